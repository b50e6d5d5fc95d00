"""Whether what is bad sits in one version or one instance."""

from __future__ import annotations

import numpy as np

from steersman.diagnosis.bundle import NONE, Flags, Ints

MOSTLY = 0.9
"""Share of the bad rows that one place must hold."""
RATIO = 3.0
"""How much likelier a row is bad there than elsewhere."""


def concentrate(place: Ints, bad: Flags) -> int:
    """The place that holds nearly all that is bad though not nearly all that there is; the only place; or NONE."""
    known = place >= 0
    place, bad = place[known], bad[known]
    if not bad.any():
        return int(NONE)
    count = np.bincount(place)
    worse = np.bincount(place, weights=bad)
    top = int(np.argmax(worse))
    if count[top] == len(place):
        return top
    elsewhere = (worse.sum() - worse[top] + 0.5) / (len(place) - count[top] + 1)
    here = worse[top] / count[top]
    return top if worse[top] >= MOSTLY * worse.sum() and here >= RATIO * min(elsewhere, here / RATIO) else int(NONE)
