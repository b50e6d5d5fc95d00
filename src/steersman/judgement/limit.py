"""Looking for the highest rate that holds the goals: which rate to try next. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steersman.domain.load import GeneratorName
from steersman.domain.load_result import Limit, SearchPoint

TOLERANCE = 0.1
"""The search ends when the two sides are that close."""


def next_rate(points: Sequence[SearchPoint], lowest: float, highest: float) -> float | None:
    """The rate to try next: doubled until one does not hold, then halved in between; None when it is known well enough.

    What cannot be told to hold does not hold: nothing is promised that was not seen.
    """
    holds, breaks = sides(points)
    if holds is None:
        return None if breaks is not None else lowest
    if breaks is None:
        return min(holds * 2, highest) if holds < highest else None
    return math.sqrt(holds * breaks) if breaks > holds * (1 + TOLERANCE) else None


def sides(points: Sequence[SearchPoint]) -> tuple[float | None, float | None]:
    """The highest rate that held below all that did not, and the lowest that did not."""
    breaks = min((point.rate for point in points if point.result != "pass"), default=None)
    holds = [point.rate for point in points if point.result == "pass" and (breaks is None or point.rate < breaks)]
    return max(holds, default=None), breaks


def found(name: str, generator: GeneratorName, points: Sequence[SearchPoint]) -> Limit:
    """What the search says."""
    holds, breaks = sides(points)
    return Limit(name=name, generator=generator, holds=holds, breaks=breaks, points=tuple(points))
