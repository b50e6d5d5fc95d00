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


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("take it through 5, 25 and 100 percent", [5, 25, 100]),
        ("5%, 25%, and 100%", [5, 25, 100]),
        ("0% → -5% → 100%", None),
        ("10% → half → 100%", None),
        ("10, 50 and 5 minutes", [10, 50]),
    ],
)
def test_a_row_of_weights_is_read_whole_or_not_at_all(text: str, weights: list[int] | None) -> None:
    assert look(text, "weights") == weights


def test_a_garbled_row_of_weights_is_unclear_and_never_the_default() -> None:
    weights = Parameter(name="weights", kind="weights", schema={"type": "array"}, default=[100])
    with pytest.raises(InputError, match="'weights' is unclear"):
        bind(Goal(text="0% → -5% → 100%"), Scenario(id="s", goal="deploy", parameters=(weights,)), frozenset())


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("between 3 and 12 pods", 3, 12),
        ("최소 2개 최대 10개", 2, 10),
        ("at least 4, at most 9 replicas", 4, 9),
        ("3~12개로", 3, 12),
        ("3 to 12 replicas", 3, 12),
        ("max 9", None, 9),
        ("node worker-3", None, None),
    ],
)
def test_a_number_goes_to_the_word_beside_it(text: str, least: int | None, most: int | None) -> None:
    assert look(text, "number", "min", "at least", "최소") == least
    assert look(text, "number", "max", "at most", "최대") == most


@pytest.mark.parametrize(
    ("text", "nouns", "name"),
    [
        ("drain node worker-3 for a kernel patch", ("node", "노드"), "worker-3"),
        ("노드 worker-3 비워줘", ("node", "노드"), "worker-3"),
        ("orders 큐에 밀린 메시지", ("queue", "큐"), "orders"),
        ("take the node out before the upgrade", ("node",), None),
        ("the payments queue is full", ("queue",), "payments"),
        ("the customer queue is full", ("queue",), None),
        ("queue called customer", ("queue",), None),
        ("node a-1 and node b-2", ("node",), None),
        ("메모리를 2Gi로", ("memory", "메모리"), "2Gi"),
    ],
)
def test_a_name_stands_beside_its_noun_and_prose_is_none(text: str, nouns: tuple[str, ...], name: str | None) -> None:
    assert look(text, "name", *nouns) == name


def test_an_image_says_tag_and_registry_of_its_service_only() -> None:
    text = "rolling update of catalog to ghcr.io/acme/catalog:4.2"
    assert (look(text, "version"), look(text, "registry")) == ("4.2", "ghcr.io/acme")
    assert look("update catalog to ghcr.io/acme/basket:4.2", "version") is None


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("결제 서비스 새 버전 배포", "payments"),
        ("상품을 v2로", "catalog"),
        ("ship the product API", "catalog"),
        ("in order to pay less, move things", "pay"),
    ],
)
def test_services_go_by_the_names_that_people_give_them(text: str, service: str) -> None:
    assert look(text, "service") == service


def test_numbers_that_nothing_takes_are_told() -> None:
    scenario = Scenario(id="s", goal="scale", parameters=(Parameter(name="service", kind="service"),))
    _, told = bind(Goal(text="scale front v2 to 7 pods"), scenario, KNOWN)
    assert [(each.name, each.value) for each in told] == [("not followed", "7")]
    hold = Parameter(name="hold_s", kind="duration_s", schema={"type": "number"})
    share = Parameter(name="share", kind="percent", schema={"type": "number"})
    taken = scenario.model_copy(update={"parameters": (*scenario.parameters, hold, share)})
    assert bind(Goal(text="front for 5 minutes at 20%"), taken, KNOWN)[1] == ()


MEMORY = Parameter(name="memory_limit", kind="amount", words=("memory", "메모리"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise the memory limit of payments to 1Gi", "1Gi"),
        ("raise the memory limit of payments from 256Mi to 1.5Gi", "1.5Gi"),
        ("payments 메모리 한도를 512Mi로 올려줘", "512Mi"),
        ("결제 메모리를 256Mi에서 2기가로", "2Gi"),
        ("give checkout 768MB of memory", "768M"),
        ("give checkout 2gb of memory", "2G"),
        ("memory of pay-2Gi is low", None),
        ("payments memory 1Gi or 2Gi", None),
        ("wait 10m, then more memory", None),
        ("give checkout 2Gi of disk", None),
        ("more memory for payments", None),
    ],
)
def test_amounts_of_memory_are_read_as_kubernetes_writes_them(text: str, said: str | None) -> None:
    assert found_in(text, MEMORY, frozenset()) == said


@pytest.mark.parametrize(("value", "fits"), [("512Mi", True), ("1.5G", True), ("1073741824", True), ("memory", False)])
def test_what_is_no_amount_is_refused_with_how_to_write_one(value: str, fits: bool) -> None:
    held = Scenario.model_validate({"id": "s", "goal": "g", "parameters": [MEMORY.model_dump(by_alias=True)]})
    goal = Goal(text="more memory", parameters={"memory_limit": value})
    if fits:
        assert bind(goal, held, frozenset())[0] == {"memory_limit": value}
    else:
        with pytest.raises(InputError, match="write it as 512Mi"):
            bind(goal, held, frozenset())
