"""What became of the runs that used a scenario."""

from __future__ import annotations

import math

from pydantic import Field

from steersman.domain.event import RunState
from steersman.domain.fact import Fact


class Outcomes(Fact):
    """Counts of finished runs."""

    tried: int = Field(default=0, ge=0)
    succeeded: int = Field(default=0, ge=0)
    undone: int = Field(default=0, ge=0)
    """Rolled back, wholly or in part. A rollback that was right is still a run that did not reach its goal."""

    def after(self, state: RunState) -> Outcomes:
        """The counts with one more finished run; refused and cancelled ones say nothing about the scenario."""
        if state not in ("done", "failed", "rolled_back", "partial_undo", "needs_human"):
            return self
        return Outcomes(
            tried=self.tried + 1,
            succeeded=self.succeeded + (state == "done"),
            undone=self.undone + (state in ("rolled_back", "partial_undo")),
        )

    @property
    def merit(self) -> float:
        """From -1 to 1: how far the success rate surely lies from one half; 0 without runs.

        The Wilson bound that is nearer to one half, at 90 %: two lucky runs prove little. Source: Wilson 1927.
        """
        if not self.tried:
            return 0.0
        z, n, rate = 1.645, self.tried, self.succeeded / self.tried
        centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
        reach = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        low, high = centre - reach, centre + reach
        return max(2 * low - 1, 0.0) + min(2 * high - 1, 0.0)
