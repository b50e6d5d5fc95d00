"""A load run against its goals. Pure.

A goal `p95 <= 300 ms` says that at most 5 % of all requests may be slower, or fail. How many do is counted, and the
share is bounded exactly (Clopper-Pearson); requests that come in waves count for less than independent ones would.
"""

from __future__ import annotations

from typing import assert_never

from steersman.domain.load import ErrorGoal, FailureGoal, Goal, LatencyGoal, LoadProfile
from steersman.domain.load_result import GoalVerdict, LoadResult, LoadVerdict, Result
from steersman.judgement.generator_health import flaws

PASS_ALPHA = 0.05
FAIL_ALPHA = 0.01
BATCHES = 10
FEWEST_BLOCKS = 4


def judge_run(profile: LoadProfile, result: LoadResult) -> LoadVerdict:
    """pass: each goal is surely met. fail: one surely is not. inconclusive: everything else."""
    parts = tuple(_judge(goal, result) for goal in profile.goals)
    found = flaws(result)
    if result.aborted and not found:
        return LoadVerdict(result="fail", reason=f"ended early: {result.aborted}", parts=parts)
    if not parts:
        return LoadVerdict(result="inconclusive", reason="the profile has no goals to judge by", flaws=found)
    return summed(parts, found)


def summed(parts: tuple[GoalVerdict, ...], found: tuple[str, ...]) -> LoadVerdict:
    """The worst part decides; flaws of the generator stand above all."""
    if found:
        return LoadVerdict(result="inconclusive", reason=f"not to be trusted: {found[0]}", parts=parts, flaws=found)
    order: tuple[Result, ...] = ("fail", "inconclusive", "pass")
    for wanted in order:
        reasons = [part.reason for part in parts if part.result == wanted]
        if reasons:
            return LoadVerdict(result=wanted, reason="; ".join(reasons), parts=parts)
    return LoadVerdict(result="inconclusive", reason="nothing was compared", parts=parts)


def _judge(goal: Goal, result: LoadResult) -> GoalVerdict:
    match goal:
        case LatencyGoal():
            return _latency(goal, result)
        case ErrorGoal():
            bad = [block.failures for block in result.blocks]
            return _share("errors", bad, result, bound=goal.max_ratio)
        case FailureGoal():
            return _failures(goal, result)
    assert_never(goal)


def _latency(goal: LatencyGoal, result: LoadResult) -> GoalVerdict:
    bad = [block.latency.above(goal.max_ms) + block.failures for block in result.blocks]
    name = f"p{goal.quantile * 100:g}"
    judged = _share(name, bad, result, bound=1 - goal.quantile)
    if not result.latency.count:
        return judged
    seen = result.latency.quantile_ms(goal.quantile)
    words = {"pass": "is surely within", "fail": "is surely above", "inconclusive": "cannot be told from"}
    reason = (
        f"{name} {seen:.1f} ms {words[judged.result]} {goal.max_ms:g} ms ({judged.measured or 0:.2%} of "
        f"{result.requests} requests were slower or failed, {1 - goal.quantile:.2%} may)"
    )
    return judged.model_copy(
        update={"reason": reason, "measured": seen, "bound": goal.max_ms, "low": None, "high": None}
    )


def _failures(goal: FailureGoal, result: LoadResult) -> GoalVerdict:
    count, n = result.failures, result.requests
    verdict: Result = "inconclusive" if n == 0 else "fail" if count > goal.max_count else "pass"
    reason = f"{count} of {n} requests failed, {goal.max_count} may"
    return GoalVerdict(what="failures", result=verdict, reason=reason, measured=count, bound=goal.max_count, requests=n)


def _share(what: str, bad: list[int], result: LoadResult, *, bound: float) -> GoalVerdict:
    """The share of bad requests against a bound."""
    from scipy.special import betaincinv  # type: ignore[import-untyped] # it ships no types

    n, k = result.requests, sum(bad)
    if n == 0:
        return GoalVerdict(what=what, result="inconclusive", reason=f"{what}: there are no requests", bound=bound)
    weight = 1 / spread(bad, [block.requests for block in result.blocks])
    n_eff, k_eff = n * weight, k * weight
    high = 1.0 if k == n else float(betaincinv(k_eff + 1, n_eff - k_eff, 1 - PASS_ALPHA))
    low = 0.0 if k == 0 else float(betaincinv(k_eff, n_eff - k_eff + 1, FAIL_ALPHA))
    verdict: Result = "pass" if high <= bound else "fail" if low > bound else "inconclusive"
    words = {"pass": "is surely within", "fail": "is surely above", "inconclusive": "cannot be told from"}
    reason = f"{what} {k / n:.3%} {words[verdict]} {bound:.3%} ({k} of {n} requests)"
    return GoalVerdict(
        what=what, result=verdict, reason=reason, measured=k / n, low=low, high=high, bound=bound, requests=n
    )


def spread(bad: list[int], requests: list[int]) -> float:
    """How much more the count varies than that of independent requests would: at least 1.

    Looked at in blocks and in longer batches, because waves may outlast a block.
    """
    import numpy as np

    k, n = np.asarray(bad, dtype=float), np.asarray(requests, dtype=float)
    k, n = k[n > 0], n[n > 0]
    p = float(k.sum() / n.sum()) if n.sum() else 0.0
    if not 0 < p < 1:
        return 1.0
    worst = 1.0
    for size in (1, max(len(k) // BATCHES, 1)):
        count = len(k) // size
        if count < FEWEST_BLOCKS:
            continue
        kk, nn = (a[: count * size].reshape(count, size).sum(axis=1) for a in (k, n))
        worst = max(worst, float(((kk - nn * p) ** 2 / (nn * p * (1 - p))).sum() / (count - 1)))
    return worst
