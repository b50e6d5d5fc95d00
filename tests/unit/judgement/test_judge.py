import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steersman.domain.finding import Verdict
from steersman.domain.plan import Comparison, Condition, Threshold
from steersman.domain.signal import Selector, Series
from steersman.judgement.judge import judge

START = 1_800_000_000.0
CANARY, STABLE = Selector(pool="canary"), Selector(pool="stable")
AT_MOST_5 = Threshold(op=">", value=0.05)
TWICE = Comparison(baseline=STABLE, ratio=2.0)


def condition(test=AT_MOST_5, signal="error_rate", **more) -> Condition:
    return Condition(id="c", signal=signal, selector=CANARY, test=test, point_s=1.0, **more)


def series(values, counts=(), signal="error_rate", times=None) -> Series:
    given_times = times if times is not None else [START + i for i in range(len(values))]
    return Series.model_construct(
        signal=signal, selector=CANARY, times=tuple(given_times), values=tuple(values), counts=tuple(counts)
    )


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def errors(rate: float, n: int = 60, requests: float = 20, seed: int = 1) -> Series:
    drawn = np.random.default_rng(seed).binomial(int(requests), rate, n)
    return series((drawn / requests).tolist(), [requests] * n)


def level(middle: float, n: int = 60, seed: int = 1, signal: str = "latency_p99") -> Series:
    noise = np.random.default_rng(seed).normal(0, 0.1, n)
    return series((middle * np.exp(noise)).tolist(), [200.0] * n, signal)


def look(test, found: Series, baseline: Series | None = None, **more) -> Verdict:
    return judge(condition(test, found.signal, **more), found, baseline, at(len(found.times)))


def test_a_rate_far_above_its_bound_fails_and_says_what_was_measured() -> None:
    verdict = look(AT_MOST_5, errors(0.5))
    assert verdict.result == "fail"
    assert verdict.reason.startswith("error_rate 5")
    assert "above 5% (60 points, 1200 requests, 99.5% sure)" in verdict.reason
    assert (verdict.bound, verdict.points, verdict.condition) == (0.05, 60, "c")
    assert verdict.measured == pytest.approx(0.5, abs=0.05)


def test_a_rate_far_below_its_bound_passes() -> None:
    assert look(AT_MOST_5, errors(0.005)).result == "pass"


def test_no_errors_in_enough_requests_pass_and_in_few_do_not() -> None:
    assert look(AT_MOST_5, errors(0.0, requests=2)).result == "pass"
    assert look(AT_MOST_5, errors(0.0, n=50, requests=1)).result == "inconclusive"


def test_a_rate_on_its_bound_is_inconclusive() -> None:
    assert look(AT_MOST_5, errors(0.05)).result == "inconclusive"


def test_twice_the_baseline_by_chance_in_sixty_requests_is_inconclusive() -> None:
    """A 1 % canary at 20 requests a second: 60 requests in five minutes, two errors where one was expected."""
    canary = series([0.0] * 58 + [1.0] * 2, [1.0] * 60)
    assert look(TWICE, canary, errors(0.016, requests=99)).result == "inconclusive"


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (series([]), "there are no data"),
        (series([0.0] * 49, [100.0] * 49), "49 of 50 points"),
        (series([math.nan] * 60, [100.0] * 60), "there are no data"),
        (series([0.0] * 60, [0.0] * 60), "there are no data"),
        (series([0.2] * 60, [100.0] * 60, "latency_p99"), "stands still"),
        (series([0.5] * 60, (), "cpu"), "stands still"),
    ],
)
def test_without_data_points_or_life_a_verdict_is_inconclusive(found: Series, says: str) -> None:
    verdict = look(Threshold(op=">", value=0.9), found)
    assert verdict.result == "inconclusive"
    assert says in verdict.reason
    assert "\n" not in verdict.reason


@pytest.mark.parametrize("signal", ["error_rate", "latency_p99"])
def test_without_a_baseline_a_comparison_is_inconclusive(signal: str) -> None:
    found = errors(0.5) if signal == "error_rate" else level(0.3)
    assert "no baseline" in look(TWICE, found).reason
    assert "baseline has no data" in look(TWICE, found, series([], (), signal)).reason


def test_a_canary_that_stands_still_beside_a_living_baseline_is_inconclusive() -> None:
    still = series([0.1] * 60, [200.0] * 60, "latency_p99")
    assert look(TWICE, still, level(0.3)).result == "inconclusive"


def test_data_that_ended_long_ago_never_pass_but_still_fail() -> None:
    good, bad = errors(0.0), errors(0.5)
    assert judge(condition(), good, None, at(100)).result == "inconclusive"
    assert "40 s old" in judge(condition(), good, None, at(100)).reason
    assert judge(condition(), bad, None, at(100)).result == "fail"


def test_a_level_with_most_points_missing_never_passes() -> None:
    whole = level(0.1)
    torn = series(whole.values, (), "cpu", [START + 3 * i for i in range(60)])
    verdict = judge(condition(Threshold(op=">", value=0.9), "cpu"), torn, None, at(180))
    assert verdict.result == "inconclusive"
    assert "points are missing" in verdict.reason


def test_a_point_that_is_not_finished_does_not_count() -> None:
    found = errors(0.0, n=50)
    assert judge(condition(), found, None, at(49.5)).reason.endswith("49 of 50 points")
    assert judge(condition(), found, None, at(50)).result == "pass"


def test_levels_are_held_against_bounds_on_either_side() -> None:
    assert look(Threshold(op=">", value=0.2), level(0.4)).result == "fail"
    assert look(Threshold(op=">", value=0.2), level(0.1)).result == "pass"
    assert look(Threshold(op="<", value=0.2), level(0.1, signal="request_rate")).result == "fail"
    assert look(Threshold(op="<", value=0.2), level(0.4, signal="request_rate")).result == "pass"


def test_a_ratio_may_be_bad_when_low() -> None:
    assert look(Threshold(op="<", value=0.2), errors(0.5)).result == "pass"
    assert look(Threshold(op="<", value=0.2), errors(0.01)).result == "fail"


def test_levels_and_rates_are_compared_with_their_baseline() -> None:
    assert look(TWICE, level(0.5), level(0.2, seed=2)).result == "fail"
    assert look(TWICE, level(0.2), level(0.2, seed=2)).result == "pass"
    assert look(TWICE, errors(0.15, requests=100), errors(0.02, requests=100, seed=2)).result == "fail"
    assert look(TWICE, errors(0.05, requests=100), errors(0.05, requests=100, seed=2)).result == "pass"


def test_a_sure_but_small_difference_is_not_worth_an_undo() -> None:
    assert look(TWICE, level(0.3), level(0.2, seed=2)).result == "pass"


def test_worse_may_be_lower() -> None:
    lower = Comparison(baseline=STABLE, worse="lower", ratio=2.0)
    assert look(lower, level(0.2, signal="request_rate"), level(0.6, seed=2, signal="request_rate")).result == "fail"
    assert look(lower, level(0.6, signal="request_rate"), level(0.2, seed=2, signal="request_rate")).result == "pass"


def test_a_level_with_zeros_is_compared_without_logarithms() -> None:
    noise = np.random.default_rng(3)
    low, high = noise.exponential(1, 80).round(0).tolist(), noise.exponential(9, 80).round(0).tolist()
    assert look(TWICE, series(high, (), "disk_latency"), series(low, (), "disk_latency")).result == "fail"
    assert look(TWICE, series(low, (), "disk_latency"), series(high, (), "disk_latency")).result == "pass"


def test_states_may_stand_still() -> None:
    down = Threshold(op="<", value=1.0)
    assert look(down, series([1.0] * 60, (), "up")).result == "pass"
    assert look(down, series([0.5] * 60, (), "up")).result == "fail"
    more = look(TWICE, series([9.0] * 60, (), "queue_depth"), series([1.0] * 60, (), "queue_depth"))
    assert more.result == "fail"


def test_a_quantile_of_few_requests_never_passes() -> None:
    few = level(0.1).model_copy(update={"counts": (5.0,) * 60})
    verdict = look(Threshold(op=">", value=0.2), few)
    assert verdict.result == "inconclusive"
    assert "latency_p99 needs 20" in verdict.reason
    assert "baseline" in look(TWICE, level(0.1), few).reason


def test_a_quantile_of_few_requests_never_passes_beside_one_of_many() -> None:
    few = level(0.1).model_copy(update={"counts": (30.0,) * 60})
    assert "against 200" in look(TWICE, few, level(0.1, seed=2)).reason


def test_the_demo_decides_in_its_time() -> None:
    """Eight requests a second to the canary, points of a quarter of a second, 30 points."""
    demo = condition(min_points=30).model_copy(update={"point_s": 0.25})

    def end(rate: float, seed: int) -> tuple[str, float]:
        random = np.random.default_rng(seed)
        n = random.poisson(2, 48)
        k = random.binomial(n, rate)
        for i in range(1, 49):
            some = [j for j in range(i) if n[j]]
            found = series(
                [k[j] / n[j] for j in some], [float(n[j]) for j in some], times=[START + j / 4 for j in some]
            )
            verdict = judge(demo, found, None, at(i / 4))
            if verdict.result != "inconclusive":
                return verdict.result, i / 4
        return "inconclusive", 12.0

    for seed in range(20):
        assert end(0.5, seed)[0] == "fail"
        assert end(0.0, seed)[0] == "pass"


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=0, max_size=80), st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_a_source_gives_is_judged(values: list[float], compared: bool) -> None:
    found = series(values, (), "cpu")
    test = Comparison(baseline=STABLE) if compared else Threshold(op=">", value=0.7)
    verdict = judge(condition(test, "cpu"), found, found if compared else None, at(len(values)))
    assert verdict.result in ("pass", "fail", "inconclusive")
    assert verdict.result == "inconclusive" or len([v for v in values if abs(v) < 1e18]) >= 50


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), min_size=50, max_size=70), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_more_errors_never_turn_a_failure_into_a_pass(points: list[tuple[int, int]], more: int) -> None:
    def verdict(extra: int) -> str:
        found = series([min(1.0, (k + extra) / n) for n, k in points], [float(n) for n, _ in points])
        return judge(condition(), found, None, at(len(points))).result

    assert (verdict(0), verdict(more)) not in {("fail", "pass"), ("inconclusive", "pass")}


def test_looking_again_and_again_rarely_alarms_on_the_bound_itself() -> None:
    """200 series of independent requests that lie exactly on the bound, looked at 50 times each."""
    alarms = 0
    for seed in range(200):
        whole = errors(0.05, n=100, seed=seed)
        cut = [series(whole.values[:i], whole.counts[:i]) for i in range(50, 101, 5)]
        alarms += any(look(AT_MOST_5, each).result == "fail" for each in cut)
    assert alarms <= 3
