"""A condition and what was measured -> a verdict. Pure; called again with every point while a hold is watched."""

from __future__ import annotations

from typing import Literal

from steersman.domain.fact import Instant
from steersman.domain.finding import Verdict
from steersman.domain.plan import Comparison, Condition, Threshold
from steersman.domain.signal import Series, SignalName
from steersman.judgement.evidence import FAIL_ALPHA, PASS_ALPHA, Weighed
from steersman.judgement.points import Points, clean, missing, pairs, thin, unequal
from steersman.judgement.words import figure, sample, side

Result = Literal["pass", "fail", "inconclusive"]
STATES: frozenset[SignalName] = frozenset({"up", "restarts", "queue_depth", "pool_usage"})
"""Signals that may well stand still: the points are counted by side, and a constant is an answer."""


def judge(condition: Condition, series: Series, baseline: Series | None, at: Instant) -> Verdict:
    """Whether the condition, which names what is bad, is breached.

    fail: surely breached. pass: surely not. inconclusive: everything else; no data, too few points and a signal that
    stands still among it. `series` and `baseline` reach from the start of the watch, or one window back, to `at`.
    """
    points = clean(series, at, condition.point_s)
    other: Points | None = None
    if isinstance(condition.test, Comparison):
        if baseline is None:
            return _open(condition, at, points, "there is no baseline to compare with")
        other = clean(baseline, at, condition.point_s)
        if points.times and not other.times:
            return _open(condition, at, points, "the baseline has no data")
        points, other = pairs(points, other, condition.point_s)
    if len(points) < max(condition.min_points, 2):
        why = f"{len(points)} of {condition.min_points} points" if points.times else "there are no data"
        return _open(condition, at, points, why)
    if other is not None and (flaw := thin(condition.signal, other)):
        return _open(condition, at, points, f"baseline: {flaw}")
    weighed = _weigh(condition, points, other)
    if weighed is None:
        return _open(
            condition, at, points, f"{condition.signal} stands still at {points.values[0]:.4g}: no sign of life"
        )
    flaw = missing(points, at, condition.point_s) or thin(condition.signal, points)
    if flaw is None and other is not None:
        flaw = missing(other, at, condition.point_s) or unequal(condition.signal, points, other)
    return _verdict(condition, points, at, weighed=weighed, flaw=flaw)


def _weigh(condition: Condition, points: Points, baseline: Points | None) -> Weighed | None:
    match condition.test:
        case Threshold() as test:
            return _threshold(condition.signal, test, points)
        case Comparison() as test:
            assert baseline is not None
            return _comparison(condition.signal, test, points, baseline)


def _threshold(signal: SignalName, test: Threshold, points: Points) -> Weighed | None:
    import numpy as np

    from steersman.judgement import counted, levels

    high = test.op in (">", ">=")
    if signal == "error_rate" and points.counts:
        return counted.against_bound(points, test.value, higher_is_bad=high)
    values = np.asarray(points.values)
    if signal in STATES:
        bad = np.asarray([_breached(value, test) for value in points.values], dtype=float)
        return levels.breaches(bad, float(np.median(values)), test.value)
    return levels.against_bound(values, test.value, higher_is_bad=high)


def _comparison(signal: SignalName, test: Comparison, points: Points, baseline: Points) -> Weighed | None:
    import numpy as np

    from steersman.judgement import counted, levels

    high = test.worse == "higher"
    if signal == "error_rate" and points.counts and baseline.counts and high:
        return counted.against_baseline(points, baseline, test.ratio)
    values, others = np.asarray(points.values), np.asarray(baseline.values)
    if signal in STATES:
        bad = values > test.ratio * others if high else values * test.ratio < others
        bound = float(np.median(others)) * (test.ratio if high else 1 / test.ratio)
        return levels.breaches(bad.astype(float), float(np.median(values)), bound)
    if np.ptp(values) == 0 or np.ptp(others) == 0:
        return None
    return levels.against_baseline(values, others, test.ratio, higher_is_bad=high)


def _breached(value: float, test: Threshold) -> bool:
    match test.op:
        case ">":
            return value > test.value
        case ">=":
            return value >= test.value
        case "<":
            return value < test.value
        case "<=":
            return value <= test.value


def _verdict(condition: Condition, points: Points, at: Instant, *, weighed: Weighed, flaw: str | None) -> Verdict:
    """`flaw`: why a good figure must not count."""
    signal, seen = condition.signal, sample(points)
    shown, limit = figure(signal, weighed.measured), figure(signal, weighed.bound)
    if isinstance(condition.test, Comparison):
        limit = f"{limit}, {condition.test.ratio:g}x off its baseline"
    if weighed.fails:
        result: Result = "fail"
        reason = f"{signal} {shown} is {side(condition.test, bad=True)} {limit} ({seen}, {1 - FAIL_ALPHA:.1%} sure)"
    elif weighed.passes and flaw is None:
        result = "pass"
        reason = f"{signal} {shown} is {side(condition.test, bad=False)} {limit} ({seen}, {1 - PASS_ALPHA:.0%} sure)"
    else:
        result = "inconclusive"
        why = f"looks well, but {flaw}" if weighed.passes else f"cannot be told from {limit} yet"
        reason = f"{signal} {shown} {why} ({seen})"
    return Verdict(
        result=result,
        reason=reason,
        condition=condition.id,
        at=at,
        measured=weighed.measured,
        bound=weighed.bound,
        points=len(points),
    )


def _open(condition: Condition, at: Instant, points: Points, why: str) -> Verdict:
    bound = condition.test.value if isinstance(condition.test, Threshold) else None
    reason = f"{condition.signal} of {condition.selector}: {why}"
    return Verdict(result="inconclusive", reason=reason, condition=condition.id, at=at, bound=bound, points=len(points))
