import pytest

from steersman.domain.errors import InputError
from steersman.domain.goal import Goal
from steersman.domain.scenario import Parameter, ParameterKind, Scenario
from steersman.planning.goal_text import found_in
from steersman.planning.parameters import bind

KNOWN = frozenset({"payments", "catalog", "front", "pay", "payments-db"})


def look(text: str, kind: ParameterKind, *words: str, services: frozenset[str] = KNOWN) -> object:
    return found_in(text, Parameter(name=kind, kind=kind, words=words), services)


@pytest.mark.parametrize(
    ("text", "service", "version"),
    [
        ("payments v2를 블루-그린으로 배포", "payments", "v2"),
        ("Deploy payments v2 blue-green", "payments", "v2"),
        ("deploy v1.4.2 of catalog", "catalog", "v1.4.2"),
        ("catalog를 버전 3으로 올려줘", "catalog", "3"),
        ("roll out front version 2.1", "front", "2.1"),
        ("payments-db 1.2.3 배포", "payments-db", "1.2.3"),
        ("v2-rc.1 버전의 payments를 배포", "payments", "v2-rc.1"),
        ("release Payments V3", "payments", "V3"),
    ],
)
def test_service_and_version_in_both_languages(text: str, service: str, version: str) -> None:
    assert look(text, "service") == service
    assert look(text, "version") == version


def test_two_services_or_versions_are_ambiguous_and_none_is_taken() -> None:
    assert look("move payments and catalog to v2", "service") is None
    assert look("from v1 to v2", "version") is None


def test_a_name_inside_another_name_is_not_that_service() -> None:
    assert look("repayments v2", "service") is None
    assert look("payments-db v2", "service") == "payments-db"


@pytest.mark.parametrize(
    ("text", "service"), [("billing v2를 배포", "billing"), ("deploy billing v2", "billing"), ("ship v2", None)]
)
def test_without_known_services_the_words_around_decide(text: str, service: str | None) -> None:
    assert look(text, "service", services=frozenset()) == service


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("트래픽 10% → 50% → 100% 전환", [10, 50, 100]),
        ("shift 5/25/100", [5, 25, 100]),
        ("10, 50, 100% 순서로", [10, 50, 100]),
        ("10% then 100%", [10, 100]),
        ("at 10%", None),
    ],
)
def test_weights(text: str, weights: list[int] | None) -> None:
    assert look(text, "weights") == weights


def test_percentages_count_next_to_their_word() -> None:
    assert look("error > 5%", "percent", "error") == 0.05
    assert look("오류 2.5% 넘으면 되돌려", "percent", "오류") == 0.025
    assert look("cpu > 70%", "percent", "error") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("최대 5분 대기", 300), ("hold 30s each", 30), ("for 2 hours", 7200), ("90초", 90), ("v2m", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert look(text, "duration_s") == seconds


def test_numbers_and_words() -> None:
    assert look("replicas 3 of v2", "number", "replica") == 3
    parameter = Parameter(name="tool", kind="word", schema={"enum": ["k6", "locust"]})
    assert found_in("k6로 부하 테스트", parameter, KNOWN) == "k6"


def test_two_sequences_of_weights_are_unclear_and_never_the_default() -> None:
    weights = Parameter(name="weights", kind="weights", schema={"type": "array"}, default=[100])
    scenario = Scenario(id="s", goal="deploy", parameters=(weights,))
    with pytest.raises(InputError, match="'weights' is unclear"):
        bind(Goal(text="payments v2 배포, 10% → 50% → 100% 그리고 20% → 40%"), scenario, frozenset())


def test_a_version_is_no_weight_and_minutes_are_no_rate() -> None:
    weights = Parameter(name="weights", kind="weights")
    rate = Parameter(name="rate", kind="number", words=("second",))
    assert found_in("catalog v2.3.1, 10/50/100", weights, frozenset()) == [10, 50, 100]
    assert found_in("for 5%, 25%, then 100% of users", weights, frozenset()) == [5, 25, 100]
    assert found_in("300 requests per second for 10 minutes", rate, frozenset()) == 300
