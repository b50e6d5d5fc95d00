"""Where a history of runs changed for good: the level before a run is not the level after it. Pure.

Runs are split in two where the difference of means stands out most, then each half again. A split counts when a
permutation of the runs would seldom show one as large: the same runs in another order are what no change looks like.
Source: Matteson and James, A nonparametric approach for multiple change point analysis (2014), and Fleming et al.,
Hunter (2023), whose hierarchical search this is; the test is the exact-size permutation test of the first, on ranks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from steersman.domain.fact import Fact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST = 4
"""Runs on each side of a change."""
ALPHA = 0.01
SMALLEST = 0.05
"""A change by less is nobody's."""
PERMUTATIONS = 999
SEED = 7
"""The same history gives the same answer."""


class ChangePoint(Fact):
    """The first run of a new level."""

    index: int
    before: float
    after: float
    """Medians of both sides, up to the neighbouring changes."""
    p_value: float

    @property
    def ratio(self) -> float:
        """How many times the level is what it was."""
        return self.after / self.before if self.before > 0 else math.inf


def change_points(values: Sequence[float]) -> tuple[ChangePoint, ...]:
    """All changes of level, oldest first. values: positive, one for each run, oldest first."""
    import numpy as np

    levels = np.log(np.maximum(np.asarray(values, dtype=float), 1e-9))
    splits = sorted(_splits(levels, 0))
    edges = [0, *(index for index, _ in splits), len(levels)]
    found = []
    for place, (index, p_value) in enumerate(splits, start=1):
        before = float(np.exp(np.median(levels[edges[place - 1] : index])))
        after = float(np.exp(np.median(levels[index : edges[place + 1]])))
        if abs(after / before - 1) >= SMALLEST:
            found.append(ChangePoint(index=index, before=before, after=after, p_value=p_value))
    return tuple(found)


def _splits(levels: NDArray[np.float64], offset: int) -> list[tuple[int, float]]:
    import numpy as np

    if len(levels) < 2 * FEWEST:
        return []
    ranks = _ranks(levels)
    index, score = _best(ranks[None, :])
    dice = np.random.default_rng(SEED)  # the arrangement of a fixed test, not chance: equal for equal histories
    shuffled = dice.permuted(np.tile(ranks, (PERMUTATIONS, 1)), axis=1)
    beaten = int((_best(shuffled)[1] >= score[0]).sum())
    p_value = (beaten + 1) / (PERMUTATIONS + 1)
    if p_value > ALPHA:
        return []
    at = int(index[0])
    left, right = levels[:at], levels[at:]
    return [*_splits(left, offset), (offset + at, p_value), *_splits(right, offset + at)]


def _ranks(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import rankdata  # type: ignore[import-untyped] # it ships no types

    ranks: NDArray[np.float64] = rankdata(levels)
    return ranks


def _best(rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of each row: the split with the largest standardised difference of mean ranks, and that difference."""
    import numpy as np

    n = rows.shape[1]
    sizes = np.arange(FEWEST, n - FEWEST + 1)
    sums = np.cumsum(rows, axis=1)[:, sizes - 1]
    expected = sizes * (n + 1) / 2
    spread = np.sqrt(sizes * (n - sizes) * (n + 1) / 12)
    scores = np.abs(sums - expected) / spread
    best = scores.argmax(axis=1)
    return sizes[best], scores[np.arange(len(rows)), best]
