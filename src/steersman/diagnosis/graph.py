"""Who calls whom, from traces and from what was known beforehand."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.traces import Shape

REACH = 6
"""Calls over which a symptom is followed."""


def calls(bundle: Bundle, shape: Shape) -> frozenset[tuple[int, int]]:
    """All (caller, callee) pairs of services."""
    spans, rows = bundle.spans, shape.crossing
    wide = len(bundle.services) + 1
    caller = spans.service[spans.parent[rows]].astype(np.int64)
    seen = np.unique(caller[caller >= 0] * wide + spans.service[rows][caller >= 0])
    found = {(int(key // wide), int(key % wide)) for key in seen}
    return frozenset(found | {(a, b) for a, b in bundle.edges if a != b and min(a, b) >= 0})


def callees(edges: frozenset[tuple[int, int]]) -> dict[int, frozenset[int]]:
    """For each service, all that it depends on, directly or not. Members of a loop depend on each other: left out."""
    direct: dict[int, set[int]] = defaultdict(set)
    for caller, callee in edges:
        direct[caller].add(callee)
    below = {service: _reachable(service, direct) for service in direct}
    return {a: frozenset(b for b in found if a not in below.get(b, ())) for a, found in below.items()}


def _reachable(start: int, direct: dict[int, set[int]]) -> set[int]:
    found: set[int] = set()
    front = {start}
    for _ in range(REACH):
        front = {callee for service in front for callee in direct.get(service, ())} - found
        if not front:
            break
        found |= front
    return found - {start}
