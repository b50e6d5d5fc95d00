"""Levels (latency, cpu, memory ...): the mean of points that hang together, looked at again and again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from steersman.judgement.counted import BETTER, WORSE, mixed, odds_bet
from steersman.judgement.evidence import PERSISTENCE, Weighed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

OUTLIER = 3.0
"""Points farther from the median than this many robust standard deviations are drawn in."""
CLUSTER = 4.1
"""Points that make one independent look at a yes or no which hangs together at 0.7."""
PRIOR = 0.2
"""Variance of the shifts that are bet on, in units of a point's own: suits verdicts after about 50 points."""
NOWHERE = 1e-9
"""A spread below this share of the values is rounding."""


def against_bound(values: Array, bound: float, *, higher_is_bad: bool) -> Weighed | None:
    """The usual level against a fixed bound; None when nothing varies."""
    logs = bool(values.min() > 0) and bound > 0
    over = np.log(values / bound) if logs else values - bound
    z = _z(over if higher_is_bad else -over)
    if z is None:
        return None
    middle = _drawn_in(over).mean()
    measured = float(bound * math.exp(middle) if logs else bound + middle)
    return Weighed(measured, bound, bad=_evidence(z, len(over)), good=_evidence(-z, len(over)))


def against_baseline(values: Array, baseline: Array, ratio: float, *, higher_is_bad: bool) -> Weighed | None:
    """The level against that of a baseline, point by point; None when nothing varies."""
    worse, better = (values, baseline) if higher_is_bad else (baseline, values)
    if worse.min() > 0 and better.min() > 0:
        over = np.log(worse / better)
        beyond = over - math.log(ratio)
        large = bool(_drawn_in(over).mean() >= math.log(ratio))
    else:
        over = worse - better
        beyond = worse - ratio * better
        large = bool(worse.mean() >= ratio * better.mean())
    bad, good = _z(over), _z(-beyond)
    if bad is None or good is None:
        return None
    base = float(np.median(baseline))
    bound = base * ratio if higher_is_bad else base / ratio
    sure, safe = _evidence(bad, len(over)), _evidence(good, len(over))
    return Weighed(float(np.median(values)), bound, bad=sure, good=safe, large=large)


def breaches(bad: Array, measured: float, bound: float) -> Weighed:
    """States that rarely move (up, restarts): whether most points are on the bad side, or most are not."""
    rho = _persistence(bad - bad.mean())
    share = CLUSTER if rho is None else _inflation(rho)
    k, n = np.asarray([bad.sum()]), np.asarray([float(len(bad))])
    odds = (odds_bet(k, n, 0.5, factors) / share for factors in (WORSE, BETTER))
    above, below = (mixed(each) for each in odds)
    return Weighed(measured, bound, bad=above, good=below)


def _z(over: Array) -> float | None:
    """Standard normal equivalent of "the mean is above 0" for points that hang together; None if none varies."""
    drawn = _drawn_in(over)
    spread = float(drawn.std(ddof=1))
    rho = _persistence(drawn - drawn.mean())
    if rho is None or spread <= NOWHERE * float(np.abs(over).max()):
        return None
    inflation = _inflation(rho)
    t = float(drawn.mean()) / (spread * math.sqrt(inflation / len(drawn)))
    freedom = max(len(drawn) / inflation - 1, 1.0)
    # Wallace's approximation of the normal deviate that is as unlikely as t with so few degrees of freedom (1959).
    size = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(t * t / freedom))
    return math.copysign(size, t)


def _drawn_in(values: Array) -> Array:
    middle = float(np.median(values))
    reach = OUTLIER * 1.4826 * float(np.median(np.abs(values - middle)))
    return np.clip(values, middle - reach, middle + reach) if reach > 0 else values


def _persistence(residuals: Array) -> float | None:
    """Autocorrelation from point to point, its small-sample bias mended (Marriott and Pope, 1954)."""
    power = float((residuals * residuals).mean())
    if power <= 0:
        return None
    rho = float((residuals[1:] * residuals[:-1]).mean()) / power
    return min(max(rho + (1 + 3 * max(rho, 0.0)) / len(residuals), 0.0), 0.93)


def _inflation(rho: float) -> float:
    """Variance of the mean, in units of independent points: what lag 1 shows lasts as waves do, or longer."""
    return 1 + 2 * rho / (1 - max(rho, PERSISTENCE))


def _evidence(z: float, n: int) -> float:
    """Half-normal mixture of bets on a mean above 0.

    Source: Robbins, "Statistical methods related to the law of the iterated logarithm", 1970.
    """
    laid = PRIOR * n
    shrink = laid / (1 + laid)
    above = 0.5 * (1 + math.erf(z * math.sqrt(shrink / 2)))
    return 2 / math.sqrt(1 + laid) * math.exp(min(z * z * shrink / 2, 100.0)) * above
