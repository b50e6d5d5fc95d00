"""The few statistics that the detectors share. All robust: medians and quantiles, never means of raw values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steersman.diagnosis.bundle import Flags, Floats

Keys = NDArray[np.int64]


def dense(keys: Keys) -> tuple[Keys, Keys]:
    """Distinct keys, and for each row the place of its key among them."""
    values, places = np.unique(keys, return_inverse=True)
    return values, places.astype(np.int64)


def quantiles(values: Floats, groups: Keys, count: int, *, q: float, deviations: float = 0.0) -> Floats:
    """The q-quantile of each group `0..count-1`; NaN for an empty one. Nearest rank, O(n log n).

    deviations: bound of its confidence interval, in standard deviations of the rank (binomial); few values give a
    bound far from the quantile, many one close to it.
    """
    order = np.lexsort((values, groups))
    sizes = np.bincount(groups, minlength=count)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    wanted = q * sizes + deviations * np.sqrt(sizes * q * (1 - q))
    rank = first + np.clip(wanted.astype(np.int64), 0, np.maximum(sizes - 1, 0))
    result = np.full(count, np.nan)
    filled = sizes > 0
    result[filled] = values[order[rank[filled]]]
    return result


def surprise(z: float, usual: float) -> float:
    """A detector's figure as 0..1: one half where the figure is the largest that healthy systems show."""
    return float(z / (z + usual)) if z > 0 else 0.0


def trust(count: float, half: float) -> float:
    """Weight of a figure by the number of things behind it: one half at `half` of them."""
    return count / (count + half)


def without(ordered: Floats, own: float) -> float:
    """Median of the others' figures, never below 0. ordered: everybody's, rising; alone there is nobody: 0."""
    if len(ordered) < 2:  # noqa: PLR2004
        return 0.0
    others = np.delete(ordered, int(np.searchsorted(ordered, own)))
    return max(float(np.median(others)), 0.0)


def stratified(
    present: tuple[Floats, Floats], total: tuple[Floats, Floats], groups: Keys, count: int
) -> tuple[Floats, Floats]:
    """Change of a proportion from healthy to incident, held against each stratum's own: (z, difference).

    present, total: (healthy, incident) counts per stratum. groups: the item that a stratum belongs to, `0..count-1`.
    Source: Cochran-Mantel-Haenszel test, as in Agresti, Categorical Data Analysis, 6.3.
    """
    (b, i), (nb, ni) = present, total
    n = nb + ni
    both = (nb > 0) & (ni > 0)
    n, m = np.where(both, n, 1.0), b + i
    expected = np.where(both, ni * m / n, 0.0)
    variance = np.where(both & (n > 1), nb * ni * m * (n - m) / (n * n * np.maximum(n - 1, 1)), 0.0)
    weight = np.where(both, nb * ni / n, 0.0)
    gap = np.where(both, i / np.maximum(ni, 1) - b / np.maximum(nb, 1), 0.0)

    def total_of(x: Floats) -> Floats:
        return np.asarray(np.bincount(groups, weights=x, minlength=count), np.float64)

    excess = total_of(np.where(both, i, 0.0) - expected)
    z = np.sign(excess) * np.maximum(np.abs(excess) - 0.5, 0) / np.sqrt(np.maximum(total_of(variance), 1e-9))
    difference = total_of(weight * gap) / np.maximum(total_of(weight), 1e-9)
    return z, difference


def first_sustained(times: Floats, high: Flags) -> float:
    """When a run of high points that lasts to the end of its stretch began; NaN when there is none."""
    rows = np.flatnonzero(high)
    return float(times[rows[0]]) if len(rows) else float("nan")
