"""Ratios of counted requests: exact for independent ones, and careful when errors come in waves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from steersman.judgement.evidence import PERSISTENCE, Weighed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from steersman.judgement.points import Points

    Array = NDArray[np.float64]

NEGLIGIBLE = 0.001
"""An error rate surely below this passes a comparison, unless it is surely worse than the baseline's."""
WAVES = (1 + PERSISTENCE) / (1 - PERSISTENCE)
"""How much longer a wave lasts than a point: the variance of a mean grows by that."""
FEWEST = 2
"""Points that show a variance at all."""
WORSE: Array = np.exp(np.linspace(0.1, 8.0, 40))
"""Factors that are bet on, as odds or rates; evenly in their logarithm."""
BETTER: Array = 1 / WORSE


def against_bound(points: Points, bound: float, *, higher_is_bad: bool) -> Weighed:
    """The ratio of failed requests against a fixed bound."""
    n = np.asarray(points.counts)
    k = np.clip(np.asarray(points.values), 0, 1) * n
    if not higher_is_bad:
        k = n - k
    b = min(max(bound if higher_is_bad else 1 - bound, 1e-6), 1 - 1e-6)
    measured = float(k.sum() / n.sum())
    spread = _spread(k, n, np.full(len(n), measured))
    shown = measured if higher_is_bad else 1 - measured
    bad, good = (odds_bet(k, n, b, factors) / spread for factors in (WORSE, BETTER))
    return Weighed(shown, bound, bad=mixed(bad), good=mixed(good))


def against_baseline(points: Points, baseline: Points, ratio: float) -> Weighed:
    """The ratio of failed requests against that of a baseline in the same points.

    Given that an error happened in a point, it is the canary's with a probability that depends only on the two counts
    of requests and the factor between the rates: drift and bursts that both arms share cancel out.
    """
    n, m = np.asarray(points.counts), np.asarray(baseline.counts)
    k = np.clip(np.asarray(points.values), 0, 1) * n
    j = np.clip(np.asarray(baseline.values), 0, 1) * m
    # Mantel-Haenszel: each point weighs by its traffic in both arms; half an error keeps it finite.
    factor = float(((k * m / (n + m)).sum() + 0.25) / ((j * n / (n + m)).sum() + 0.25))
    spread = _spread(k, k + j, factor * n / (factor * n + m))
    bad = mixed(_share_bet((k, n), (j, m), 1.0, WORSE) / spread)
    good = mixed(_share_bet((k, n), (j, m), ratio, BETTER) / spread)
    measured, base = float(k.sum() / n.sum()), float(j.sum() / m.sum())
    tiny = mixed(odds_bet(k, n, NEGLIGIBLE, BETTER) / _spread(k, n, np.full(len(n), measured)))
    # Two ways to pass share the chance to be wrong: the mean of two bets is a bet.
    return Weighed(measured, base * ratio, bad=bad, good=(good + tiny) / 2, large=factor >= ratio)


def odds_bet(k: Array, n: Array, bound: float, factors: Array) -> Array:
    """Log likelihood of each factor on the odds of `bound`, less that of `bound` itself."""
    odds = factors * bound / (1 - bound)
    p = odds / (1 + odds)
    bet: Array = k.sum() * np.log(p / bound) + (n - k).sum() * np.log((1 - p) / (1 - bound))
    return bet


def _share_bet(canary: tuple[Array, Array], baseline: tuple[Array, Array], null: float, factors: Array) -> Array:
    """Log likelihood of `null` times each factor between the arms' rates, less that of `null`."""
    (k, n), (j, m) = canary, baseline
    tried = null * factors[:, None]
    change = np.log((null * n + m) / (tried * n + m))
    bet: Array = (k * (np.log(factors)[:, None] + change) + j * change).sum(axis=1)
    return bet


def _spread(k: Array, n: Array, p: Array) -> float:
    """How much more the sum varies than independent requests would: at least 1.

    What the points vary beyond chance is taken to come in waves. One standard error is added, but no more than a
    rate whose own standard deviation equals its mean would cause: rare errors feel little of waves.
    """
    variance = float((n * p * (1 - p)).mean())
    if variance <= 0 or len(n) < FEWEST:
        return 1.0
    squares = (k - n * p) ** 2 / variance
    error = float(squares.std(ddof=1)) / math.sqrt(len(squares))
    rare = float(np.minimum(n * p, n * (1 - p)).mean())
    return 1 + WAVES * max(0.0, float(squares.mean()) - 1 + min(error, rare))


def mixed(logs: Array) -> float:
    """The mean of bets that are given as logarithms; capped well above any threshold."""
    return float(np.exp(np.minimum(logs, 100.0)).mean())
