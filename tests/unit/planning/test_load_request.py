"""A load test in words becomes numbers; what was not said is named, not guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.load import ErrorGoal, FailureGoal, LatencyGoal
from steersman.planning.load_request import answered, question, read_request

SHOP = ("front", "catalog", "checkout", "payments")
P99 = LatencyGoal(quantile=0.99, max_ms=300)


@pytest.mark.parametrize(
    ("text", "target", "model", "level", "seconds", "goals"),
    [
        ("결제 API 초당 200건에서 p99 300ms 지키는지", "payments", "open", 200, 60, (P99,)),
        ("does payments hold 200 rps with p99 under 300 ms?", "payments", "open", 200, 60, (P99,)),
        ("payments at 200 requests per second for 5 minutes, p99 < 300ms", "payments", "open", 200, 300, (P99,)),
        ("분당 12,000건 결제 p99 0.3초 10분간", "payments", "open", 200, 600, (P99,)),
        (
            "주문 서비스에 동시 사용자 50명으로 30초 동안 에러율 1% 이하",
            *("checkout", "closed", 50, 30, (ErrorGoal(max_ratio=0.01),)),
        ),
        (
            "100 users on front, 95% of requests under 400 ms",
            "front",
            "closed",
            100,
            60,
            (LatencyGoal(quantile=0.95, max_ms=400),),
        ),
        (
            "상품 조회 초당 2천 건에서 중앙값 50ms",
            "catalog",
            "open",
            2_000,
            60,
            (LatencyGoal(quantile=0.5, max_ms=50),),
        ),
        (
            "http://127.0.0.1:8080/quote?x=1 를 20초간 초당 10건, 99퍼센타일 300밀리초, 실패 없이",
            *("http://127.0.0.1:8080/quote?x=1", "open", 10, 20, (P99, FailureGoal(max_count=0))),
        ),
    ],
)
def test_words_become_numbers(
    text: str, target: str, model: str, level: float, seconds: float, goals: tuple[object, ...]
) -> None:
    read = read_request(text, SHOP)
    assert (read.target, read.model, read.level, read.duration_s) == (target, model, level, seconds)
    assert read.goals == goals
    assert read.missing == ()


def test_what_was_not_said_is_missing_and_an_answer_adds_only_that() -> None:
    asked = read_request("부하 테스트 해줘", SHOP)
    assert asked.missing == ("target", "level", "goal")
    assert "payments" in question(asked, SHOP, korean=True)
    more = answered(asked, "결제, 초당 200건", SHOP)
    assert (more.target, more.level, more.missing) == ("payments", 200, ("goal",))
    last = answered(more, "p99 300ms 이고 초당 999건", SHOP)
    assert (last.level, last.goals, last.missing) == (200, (P99,), ())


def test_two_services_in_one_sentence_are_none() -> None:
    assert read_request("payments and checkout at 10 rps, p99 1s", SHOP).missing == ("target",)


def test_how_much_is_a_question_for_the_limit_and_needs_no_rate() -> None:
    read = read_request("결제가 얼마까지 버티는지 p95 300ms 기준으로", SHOP)
    assert (read.wants_limit, read.missing, read.duration_s) == (True, (), None)
    assert not read_request("payments 50 rps maximum p99 1s", SHOP).wants_limit


def test_a_default_is_told_as_an_assumption() -> None:
    assert any("60초" in text for text in read_request("결제 초당 5건 p99 1초", SHOP).assumed)
    assert any("60 s" in text for text in read_request("payments 5 rps p99 1s", SHOP).assumed)
    assert read_request("결제 초당 5건 p99 1초 30초간", SHOP).assumed == ()


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read = read_request(text, SHOP)
    assert all(goal is not None for goal in read.goals)
