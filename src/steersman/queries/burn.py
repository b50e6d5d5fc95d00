"""How fast an error budget is spent, by pairs of windows: the long one says that it matters, the short that it goes on.

Source: Google SRE Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts".
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact


@dataclass(frozen=True, slots=True)
class Pair:
    """Two windows and the burn rate from which both together are an alarm."""

    long_s: float
    short_s: float
    factor: float


PAIRS = (
    Pair(long_s=3_600, short_s=300, factor=14.4),
    Pair(long_s=21_600, short_s=1_800, factor=6.0),
    Pair(long_s=259_200, short_s=21_600, factor=1.0),
)
WINDOWS_S = tuple(sorted({window for pair in PAIRS for window in (pair.long_s, pair.short_s)}))


class BurnRate(Fact):
    """Burn rates of one pair of windows; 1.0 spends the budget exactly by its end. None: no requests, so not known."""

    long_s: float
    short_s: float
    factor: float
    long: float | None = Field(default=None, ge=0)
    short: float | None = Field(default=None, ge=0)

    @property
    def burns(self) -> bool | None:
        """Whether both windows burn faster than the factor; None when one of them is not known."""
        if self.long is None or self.short is None:
            return None
        return self.long >= self.factor and self.short >= self.factor


def burn_rates(error_ratio: dict[float, float], slo: float) -> tuple[BurnRate, ...]:
    """The pairs, out of the ratio of errors by window in seconds. Raises InputError for a target outside of (0, 1)."""
    if not 0 < slo < 1:
        raise InputError(f"a target of {slo!r} leaves no budget; write 0.999 for 99.9 %")

    def rate(window_s: float) -> float | None:
        ratio = error_ratio.get(window_s)
        return None if ratio is None else ratio / (1 - slo)

    return tuple(
        BurnRate(
            long_s=pair.long_s,
            short_s=pair.short_s,
            factor=pair.factor,
            long=rate(pair.long_s),
            short=rate(pair.short_s),
        )
        for pair in PAIRS
    )
