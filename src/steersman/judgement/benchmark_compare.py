"""Load runs against a baseline of the same load: is it slower, surely? Pure.

Quantiles of latency, as logarithms of their ratio. How well one is known comes from leaving out stretches of time in
turn (a delete-a-group jackknife): neighbours in time resemble each other, so stretches are left out, not requests.
Where runs were repeated, the variation between them counts as well.
Source: Shao and Tu, The Jackknife and Bootstrap (1995), 2.3 (quantiles need groups, single deletions fail).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steersman.domain.load_result import GoalVerdict, LoadResult, LoadVerdict, Result
from steersman.judgement.benchmark import spread, summed
from steersman.judgement.generator_health import flaws

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUANTILES = (0.5, 0.95, 0.99)
GROUPS = 20
FEWEST_GROUPS = 8
STRETCH_S = 10.0
"""Groups are that long, where a run lasts long enough: what waves there are should fit into one."""
FEWEST_BEYOND = 50
"""Requests above a quantile that it takes to know it."""
ALPHA = 0.002
"""One-sided, for each part: together with `SMALLEST` far below one false alarm in a hundred comparisons."""
PASS_ALPHA = 0.05
SMALLEST = 0.02
"""Slower by less is nobody's regression: two runs of one binary differ by that."""
TOLERANCE = 0.05
"""A pass rules out that it is slower by more."""
ERROR_TOLERANCE = 0.005
ERROR_SMALLEST = 0.001


@dataclass(frozen=True, slots=True)
class _Side:
    """Runs of one side, with their counts by stretch of time and bucket."""

    runs: Sequence[LoadResult]
    groups: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, runs: Sequence[LoadResult]) -> _Side:
        """Counted once for all quantiles."""
        return cls(runs, *_groups(runs))


@dataclass(frozen=True, slots=True)
class _Estimate:
    """A logarithm of a quantile, with its variance and what that rests on."""

    value: float
    variance: float
    df: float


def compare(
    runs: Sequence[LoadResult], baselines: Sequence[LoadResult], *, tolerance: float = TOLERANCE
) -> LoadVerdict:
    """fail: surely slower, or surely more errors. pass: surely not by more than `tolerance`. Otherwise inconclusive."""
    if not runs or not baselines:
        return LoadVerdict(result="inconclusive", reason="there is nothing to compare")
    every = (*runs, *baselines)
    if len({run.profile_digest for run in every}) > 1:
        return LoadVerdict(result="inconclusive", reason="the runs were not made with the same load")
    if len({run.generator for run in every}) > 1:
        return LoadVerdict(result="inconclusive", reason="the runs were made by different generators")
    ended = tuple(f"{run.name}: ended early: {run.aborted}" for run in every if run.aborted)
    found = (*ended, *(f"{run.name}: {flaw}" for run in every for flaw in flaws(run)))
    sides = _Side.of(runs), _Side.of(baselines)
    parts = (*(_quantile(q, *sides, tolerance=tolerance) for q in QUANTILES), _errors(runs, baselines))
    return summed(parts, found)


def _quantile(q: float, run: _Side, baseline: _Side, *, tolerance: float) -> GoalVerdict:
    name, n = f"p{q * 100:g}", sum(one.latency.count for one in run.runs)
    a, b = _estimate(q, run), _estimate(q, baseline)
    if isinstance(a, str) or isinstance(b, str):
        why = a if isinstance(a, str) else f"baseline: {b}"
        return GoalVerdict(what=name, result="inconclusive", reason=f"{name}: {why}", requests=n)
    from scipy.special import stdtrit  # type: ignore[import-untyped] # it ships no types

    delta, se = a.value - b.value, math.sqrt(a.variance + b.variance)
    df = _welch(a, b)
    low = delta - float(stdtrit(df, 1 - ALPHA)) * se
    high = delta + float(stdtrit(df, 1 - PASS_ALPHA)) * se
    verdict: Result = "inconclusive"
    if low > math.log1p(SMALLEST):
        verdict = "fail"
    elif high < math.log1p(tolerance):
        verdict = "pass"
    words = {"pass": "no slower", "fail": "slower", "inconclusive": "cannot be told"}
    reason = (
        f"{name} {math.exp(a.value):.1f} ms, {words[verdict]} than {math.exp(b.value):.1f} ms: "
        f"{math.expm1(delta):+.1%} ({math.expm1(low):+.1%} to {math.expm1(high):+.1%})"
    )
    return GoalVerdict(
        what=name,
        result=verdict,
        reason=reason,
        measured=math.exp(delta),
        low=math.exp(low),
        high=math.exp(high),
        bound=1 + tolerance,
        requests=n,
    )


def _welch(a: _Estimate, b: _Estimate) -> float:
    """Degrees of freedom of a difference of two estimates (Welch, Satterthwaite)."""
    total = a.variance + b.variance
    if total <= 0:
        return a.df + b.df
    return total**2 / (a.variance**2 / a.df + b.variance**2 / b.df)


def _estimate(q: float, side: _Side) -> _Estimate | str:
    """Of one side; or why there is none."""
    import numpy as np

    runs, groups, values = side.runs, side.groups, side.values
    n = sum(run.latency.count for run in runs)
    if n * (1 - q) < FEWEST_BEYOND:
        return f"{n} requests are too few, it takes {math.ceil(FEWEST_BEYOND / (1 - q))}"
    if len(groups) < FEWEST_GROUPS:
        return f"{len(groups)} stretches of time are too few, it takes {FEWEST_GROUPS}"
    total = groups.sum(axis=0)
    whole = _log_quantile(total, values, q)
    left_out = np.array([_log_quantile(total - group, values, q) for group in groups])
    g = len(groups)
    variance = float((g - 1) / g * ((left_out - left_out.mean()) ** 2).sum())
    resolution = (1e-3**2) / 12  # of the histogram
    estimate = _Estimate(whole, variance + resolution, g - 1)
    if len(runs) > 1:
        singles = np.array([math.log(max(run.latency.quantile_ms(q), 1e-3)) for run in runs])
        between = float(singles.var(ddof=1)) / len(runs)
        if between > estimate.variance:
            return _Estimate(whole, between, len(runs) - 1)
    return estimate


def _groups(runs: Sequence[LoadResult]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts by group and bucket, and the buckets' values in ms. Groups are stretches of time without gaps."""
    import numpy as np

    from steersman.domain.histogram import bounds_of

    buckets = sorted({bucket for run in runs for bucket, _ in run.latency.buckets})
    place = {bucket: i for i, bucket in enumerate(buckets)}
    rows = []
    for run in runs:
        blocks = [block for block in run.blocks if block.latency.count]
        wanted = min(max(int(run.measured_s / STRETCH_S), FEWEST_GROUPS), GROUPS)
        share = max(math.ceil(wanted / len(runs)), 1)
        for part in np.array_split(np.arange(len(blocks)), min(share, len(blocks)) or 1):
            row = np.zeros(len(buckets))
            for i in part:
                for bucket, count in blocks[int(i)].latency.buckets:
                    row[place[bucket]] += count
            rows.append(row)
    values = np.array([sum(bounds_of(bucket)) / 2_000 for bucket in buckets])
    return np.array(rows), values


def _log_quantile(counts: NDArray[np.float64], values: NDArray[np.float64], q: float) -> float:
    import numpy as np

    reached = np.cumsum(counts)
    middle = (reached - counts / 2) / reached[-1]
    return math.log(max(float(np.interp(q, middle, values)), 1e-3))


def _errors(runs: Sequence[LoadResult], baselines: Sequence[LoadResult]) -> GoalVerdict:
    """Shares of failed requests: given how many failed on both sides, how they fall on the two is binomial."""
    from scipy.special import bdtrc, betaincinv

    sides = []
    for side in (runs, baselines):
        bad = [block.failures for run in side for block in run.blocks]
        sent = [block.requests for run in side for block in run.blocks]
        weight = 1 / spread(bad, sent)
        sides.append((sum(bad), sum(sent), weight))
    (k, n, w), (j, m, v) = sides
    if n == 0 or m == 0:
        return GoalVerdict(what="errors", result="inconclusive", reason="errors: there are no requests")
    weight = min(w, v)
    kept, both = math.floor(k * weight), math.floor((k + j) * weight)
    # The chance of that many or more on this side.
    chance = float(bdtrc(kept - 1, both, n / (n + m))) if kept else 1.0
    high = float(betaincinv(k * weight + 1, max((n - k) * weight, 1e-9), 1 - PASS_ALPHA)) - j / m
    verdict: Result = "inconclusive"
    if chance < ALPHA and k / n - j / m > ERROR_SMALLEST:
        verdict = "fail"
    elif high < ERROR_TOLERANCE:
        verdict = "pass"
    words = {"pass": "no more than", "fail": "more than", "inconclusive": "cannot be told from"}
    reason = f"errors {k / n:.3%}, {words[verdict]} {j / m:.3%} ({k} of {n} and {j} of {m} requests)"
    return GoalVerdict(
        what="errors", result=verdict, reason=reason, measured=k / n, high=high + j / m, bound=j / m, requests=n
    )
