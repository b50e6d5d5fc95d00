"""Reasons of load verdicts, in Korean and as they were noted."""

import re

import pytest
from tests.unit.judgement.test_benchmark import P95, profile, run

from steersman.domain.load import ErrorGoal, FailureGoal
from steersman.domain.load_result import LoadVerdict
from steersman.judgement.benchmark import judge_run
from steersman.judgement.benchmark_compare import compare
from steersman.planning.load_reasons import reason, verdict_reason

GOALS = profile(P95, ErrorGoal(max_ratio=0.01), FailureGoal(max_count=3))
VERDICTS = [
    judge_run(GOALS, run(5_000)),
    judge_run(GOALS, run(5_000, factor=3, failed=200)),
    judge_run(GOALS, run(40)),
    judge_run(GOALS, run(0)),
    compare([run(20_000, factor=1.2, seed=2)], [run(20_000, seed=3)]),
    compare([run(30_000, seed=4)], [run(30_000, seed=5)]),
    compare([run(500)], [run(500, seed=5)]),
]


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.reason[:30])
def test_each_part_is_told_in_korean_with_its_own_figures(verdict: LoadVerdict) -> None:
    for part in verdict.parts:
        told = reason(part, "ko")
        assert reason(part, "en") == part.reason
        assert re.search("[가-힣]", told)
        assert not re.search(r"surely|cannot|slower|there are", told)
        if part.measured is not None and part.what == "errors":
            assert f"{part.measured:.3%}" in told


def test_what_decided_is_told() -> None:
    failed = judge_run(GOALS, run(5_000, factor=3, failed=200))
    assert "100 ms를 확실히 넘습니다" in verdict_reason(failed, "ko")
    assert "200건 실패 (허용 3건)" in verdict_reason(failed, "ko")
    assert verdict_reason(failed, "en") == failed.reason
    slower = compare([run(20_000, factor=1.2, seed=2)], [run(20_000, seed=3)])
    assert "느려졌습니다" in verdict_reason(slower, "ko")


def test_a_run_that_ended_early_or_cannot_be_trusted_says_so_first() -> None:
    early = judge_run(GOALS, run(5_000, aborted="error rate above 5 %"))
    assert "error rate above 5 %" in verdict_reason(early, "ko")
    stopped = run(5_000)
    stopped = stopped.model_copy(update={"health": stopped.health.model_copy(update={"stopped": "stopped by hand"})})
    assert verdict_reason(judge_run(GOALS, stopped), "ko").startswith("측정을 믿을 수 없습니다")
