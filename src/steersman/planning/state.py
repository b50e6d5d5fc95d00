"""The state that a search plans on: observed facts, and what its steps make of them."""

from __future__ import annotations

from typing import Literal

from steersman.domain.fact import JsonObject
from steersman.planning.world import Facts

Shown = JsonObject | Literal["missing", "unknown"]
"""missing: nobody has looked yet; unknown: a former step leaves it in a state that its operation does not tell."""


class State:
    """What each probe shows. Remembers changes, so that a search can go back to a mark."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._now: dict[str, Shown] = {}
        self._trail: list[tuple[str, Shown | None]] = []

    def shown(self, key: str) -> Shown:
        """What a probe shows now."""
        if key in self._now:
            return self._now[key]
        reading = self._facts.get(key)
        return "missing" if reading is None else reading.state

    def put(self, key: str, state: JsonObject | None) -> None:
        """A step has changed what a probe shows; None: to something unknown."""
        self._trail.append((key, self._now.get(key)))
        self._now[key] = "unknown" if state is None else state

    def mark(self) -> int:
        """A point to go back to."""
        return len(self._trail)

    def back(self, mark: int) -> None:
        """Undoes everything since a mark."""
        while len(self._trail) > mark:
            key, former = self._trail.pop()
            if former is None:
                del self._now[key]
            else:
                self._now[key] = former
