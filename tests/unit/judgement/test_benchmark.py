"""Load verdicts: goals, comparison, and a generator that did not keep up."""

from datetime import UTC, datetime

import numpy as np
import pytest

from steersman.domain.fact import digest
from steersman.domain.histogram import Histogram
from steersman.domain.load import ErrorGoal, FailureGoal, Goal, Journey, LatencyGoal, LoadProfile, Request, Stage
from steersman.domain.load_result import Block, GeneratorHealth, LoadResult
from steersman.judgement.benchmark import judge_run
from steersman.judgement.benchmark_compare import compare
from steersman.judgement.generator_health import flaws

NOW = datetime(2026, 1, 1, tzinfo=UTC)
P95 = LatencyGoal(quantile=0.95, max_ms=100)


def run(n: int, *, factor: float = 1.0, failed: int = 0, seed: int = 1, **more: object) -> LoadResult:
    """n requests in 20 blocks; p95 is about 45 ms times factor."""
    dice = np.random.default_rng(seed)
    values = np.array_split(20 * factor * np.exp(0.5 * dice.normal(size=n)), 20)
    per_block = [failed // 20 + (i < failed % 20) for i in range(20)]
    plain: dict[str, object] = {
        "name": "r",
        "generator": "k6",
        "profile_digest": digest({}),
        "started_at": NOW,
        "finished_at": NOW,
        "measured_s": 200.0,
        "blocks": tuple(
            Block(
                start_s=i * 10.0,
                duration_s=10.0,
                requests=len(part) + bad,
                failures=bad,
                latency=Histogram.of(part.tolist()),
            )
            for i, (part, bad) in enumerate(zip(values, per_block, strict=True))
        ),
        "health": GeneratorHealth(cores=2, started=n),
    }
    return LoadResult.model_validate(plain | more)


def profile(*goals: Goal) -> LoadProfile:
    return LoadProfile(
        name="a",
        target="http://localhost:1",
        stages=(Stage(duration_s=200, level=10),),
        journeys=(Journey(name="j", requests=(Request(name="r"),)),),
        goals=goals,
    )


def test_goals_that_are_surely_met_pass_and_surely_missed_ones_fail() -> None:
    assert judge_run(profile(P95, ErrorGoal(max_ratio=0.01)), run(5_000)).result == "pass"
    assert judge_run(profile(P95), run(5_000, factor=3)).result == "fail"
    assert judge_run(profile(ErrorGoal(max_ratio=0.01)), run(5_000, failed=200)).result == "fail"


def test_too_little_data_is_inconclusive() -> None:
    assert judge_run(profile(P95), run(40)).result == "inconclusive"
    assert judge_run(profile(P95), run(0)).result == "inconclusive"
    assert judge_run(profile(), run(5_000)).result == "inconclusive"


def test_a_failed_request_is_no_quick_one() -> None:
    assert judge_run(profile(P95), run(2_000, failed=1_000)).result == "fail"


def test_failures_are_counted_exactly() -> None:
    assert judge_run(profile(FailureGoal(max_count=0)), run(30)).result == "pass"
    assert judge_run(profile(FailureGoal(max_count=0)), run(30, failed=1)).result == "fail"


@pytest.mark.parametrize(
    "health",
    [
        GeneratorHealth(cores=1, cpu_peak=0.99, started=5_000),
        GeneratorHealth(cores=2, started=5_000, dropped=100),
        GeneratorHealth(cores=2, started=5_000, late_ms=500),
        GeneratorHealth(cores=2, started=5_000, stopped="cancelled"),
        GeneratorHealth(cores=2, started=9_000),
    ],
    ids=["busy", "dropped", "late", "cancelled", "script"],
)
def test_a_generator_that_did_not_keep_up_makes_every_verdict_inconclusive(health: GeneratorHealth) -> None:
    good, bad = run(5_000, health=health), run(5_000, factor=3, health=health)
    assert [judge_run(profile(P95), r).result for r in (good, bad)] == ["inconclusive"] * 2
    assert compare([bad], [run(5_000)]).result == "inconclusive"


def test_stalls_that_users_sat_out_are_omission() -> None:
    base = run(2_000)
    stalled = base.blocks[3].model_copy(update={"latency": base.blocks[3].latency.plus(Histogram.of([9_000.0] * 2))})
    blocks = (*base.blocks[:3], stalled, *base.blocks[4:])
    closed = base.model_copy(update={"blocks": blocks, "model": "closed", "users": 2})
    assert any("stalls" in flaw for flaw in flaws(closed))
    assert flaws(base.model_copy(update={"model": "closed", "users": 2})) == ()


def test_a_regression_is_found_and_its_size_told() -> None:
    verdict = compare([run(20_000, factor=1.1, seed=2)], [run(20_000, seed=3)])
    p95 = next(part for part in verdict.parts if part.what == "p95")
    assert verdict.result == "fail"
    assert p95.low is not None
    assert p95.high is not None
    assert p95.low < 1.1 < p95.high


def test_two_runs_of_one_thing_pass_and_few_requests_tell_nothing() -> None:
    assert compare([run(30_000, seed=4)], [run(30_000, seed=5)]).result == "pass"
    assert compare([run(500)], [run(500, seed=5)]).result == "inconclusive"
    assert compare([], [run(500)]).result == "inconclusive"


def test_more_errors_are_a_regression() -> None:
    assert compare([run(20_000, failed=400, seed=2)], [run(20_000, seed=3)]).result == "fail"


def test_runs_that_differ_in_load_or_generator_are_not_compared() -> None:
    other = run(20_000, profile_digest=digest({"a": 1}))
    assert "same load" in compare([other], [run(20_000)]).reason
    assert "different generators" in compare([run(20_000, generator="locust")], [run(20_000)]).reason
