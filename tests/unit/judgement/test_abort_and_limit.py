"""When a run must end at once, and which rate is tried next."""

from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.load import AbortWhen
from steersman.domain.load_result import Progress, SearchPoint
from steersman.judgement.abort import breached
from steersman.judgement.limit import TOLERANCE, found, next_rate

ERRORS = AbortWhen(kind="errors", above=0.2, for_s=3)
SLOW = AbortWhen(kind="latency", above=500, for_s=3)


def points(*failed: int, p95: float = 10.0) -> list[Progress]:
    """Ten requests a second, of which so many failed in each."""
    made = [Progress(at_s=0, of_s=60)]
    for second, bad in enumerate(failed, start=1):
        last = made[-1]
        made.append(
            Progress(at_s=second, of_s=60, requests=last.requests + 10, failures=last.failures + bad, p95_ms=p95)
        )
    return made


def test_errors_that_last_long_enough_end_a_run_and_a_burst_does_not() -> None:
    assert breached((ERRORS,), points(0, 5, 5, 5)) == ERRORS
    assert breached((ERRORS,), points(5, 5, 0, 5)) is None
    assert breached((ERRORS,), points(5, 5)) is None
    assert breached((ERRORS,), points(2, 2, 2, 2)) is None, "on the bound is not above it"


def test_slowness_ends_a_run() -> None:
    assert breached((ERRORS, SLOW), points(0, 0, 0, p95=600)) == SLOW
    assert breached((SLOW,), points(0, 0, 0, p95=400)) is None


def test_silence_is_no_reason() -> None:
    silent = [Progress(at_s=second, of_s=60) for second in range(9)]
    assert breached((ERRORS, SLOW), silent) is None
    assert breached((ERRORS,), []) is None


def point(rate: float, *, holds: bool) -> SearchPoint:
    result = "pass" if holds else "fail"
    return SearchPoint(rate=rate, requests_s=rate, p95_ms=1, failures=0, result=result, reason="")


@given(st.floats(1, 900), st.floats(1, 10), st.floats(20, 1_000))
def test_a_search_ends_near_the_limit(limit: float, lowest: float, highest: float) -> None:
    tried: list[SearchPoint] = []
    while (rate := next_rate(tried, lowest, highest)) is not None:
        assert lowest <= rate <= highest
        tried.append(point(rate, holds=rate <= limit))
        assert len(tried) < 30
    said = found("a", "k6", tried)
    if limit < lowest:
        assert said.holds is None
    elif limit >= highest:
        assert (said.holds, said.breaks) == (highest, None)
    else:
        assert said.holds is not None
        assert said.breaks is not None
        assert said.holds <= limit < said.breaks <= said.holds * (1 + TOLERANCE)


def test_what_cannot_be_told_does_not_hold() -> None:
    unsure = SearchPoint(rate=8, requests_s=8, p95_ms=1, failures=0, result="inconclusive", reason="")
    assert found("a", "k6", [point(4, holds=True), unsure]).breaks == 8
