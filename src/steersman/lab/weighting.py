"""Which pool takes the next request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class SmoothWeights:
    """Shares turns by weight: exact over each full round, and spread evenly inside it.

    Source: smooth weighted round robin, as nginx has it (commit 52327e0).
    """

    weights: Mapping[str, int]
    _current: dict[str, int] = field(default_factory=dict)

    def take(self) -> str | None:
        """The name whose turn it is; None when no weight is above zero."""
        total = sum(self.weights.values())
        if total == 0:
            return None
        for name, weight in self.weights.items():
            self._current[name] = self._current.get(name, 0) + weight
        chosen = max(self.weights, key=lambda name: self._current[name])
        self._current[chosen] -= total
        return chosen
