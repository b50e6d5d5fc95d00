"""Whether a load run must end at once. Pure; the evidence is what the generator told while it ran."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from steersman.domain.load import AbortWhen
from steersman.domain.load_result import Progress

FEWEST = 5
"""Requests in the time looked back on; fewer are no reason to end a run."""


def breached(conditions: Sequence[AbortWhen], points: Sequence[Progress]) -> AbortWhen | None:
    """The first condition that has been met without a break for as long as it says; None when there is none."""
    return next((condition for condition in conditions if _met(condition, points)), None)


def _met(condition: AbortWhen, points: Sequence[Progress]) -> bool:
    if not points:
        return False
    since = points[-1].at_s - condition.for_s
    asked = 0
    for earlier, later in reversed([*pairwise(points)]):
        if not _bad(condition, earlier, later):
            return False
        asked += later.requests - earlier.requests
        if earlier.at_s <= since:
            return asked >= FEWEST
    return False


def _bad(condition: AbortWhen, earlier: Progress, later: Progress) -> bool:
    """Whether it was bad between two points. A stretch without any answer is not bad by itself."""
    requests, failures = later.requests - earlier.requests, later.failures - earlier.failures
    if condition.kind == "errors":
        return requests > 0 and failures > condition.above * requests
    return later.p95_ms > condition.above
