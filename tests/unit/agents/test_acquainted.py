"""What runs here is known by name where somebody can tell, and an environment says what its namespace is."""

from dataclasses import replace

import pytest

from steersman.agents.planning import PlanningDeps, acquainted
from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName, RunId
from steersman.domain.scenario import Parameter, Scenario
from steersman.planning.parameters import bind
from steersman.planning.world import World
from steersman.testing.clock import FakeClock
from steersman.testing.cluster import System, operation
from steersman.testing.journal_facts import AGENT
from steersman.testing.world import ENVIRONMENT

TELLER = OperationName("kubernetes.list_workloads")


def world(**more: object) -> World:
    made = World(environment=ENVIRONMENT, catalogue={TELLER: operation(TELLER)}, kinds={}, protected=lambda _: False)
    return replace(made, **more)  # type: ignore[arg-type]


def deps(system: System, here: World) -> PlanningDeps:
    return PlanningDeps(system, here, FakeClock(), AGENT, RunId("r-1"))


def telling(*names: str) -> System:
    told: JsonObject = {"workloads": dict.fromkeys(names, "Deployment")}
    return System(answers={"list_workloads": told})


async def test_workloads_are_asked_for_once_where_nobody_knows_services() -> None:
    system = telling("payments", "cart-worker")
    found = await acquainted(deps(system, world(list_workloads=TELLER)))
    assert found.world.workloads == {"payments", "cart-worker"}
    assert await acquainted(found) is found
    assert system.asked == {"list_workloads": 1}


@pytest.mark.parametrize("more", [{}, {"services": frozenset({"front"}), "list_workloads": TELLER}])
async def test_nobody_is_asked_who_cannot_tell_or_need_not(more: dict[str, object]) -> None:
    system = telling("payments")
    asked = deps(system, world(**more))
    assert await acquainted(asked) is asked
    assert not system.asked


async def test_a_cluster_that_does_not_tell_changes_nothing() -> None:
    system = System(down=frozenset({"list_workloads"}))
    asked = deps(system, world(list_workloads=TELLER))
    assert await acquainted(asked) is asked


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("payments 메모리 늘려줘", {"payments"}),
        ("결제 메모리 늘려줘", {"payments"}),
        ("payments and cart-worker need memory", {"payments", "cart-worker"}),
        ("orders needs memory", set()),
    ],
)
def test_a_goal_is_read_with_the_workloads_that_it_names(text: str, services: set[str]) -> None:
    here = world(workloads=frozenset({"payments", "cart-worker"}))
    assert here.named_in(text) == services
    assert replace(here, services=frozenset({"front"})).named_in(text) == {"front"}


SPACE = Parameter(name="namespace", kind="name", words=("namespace", "네임스페이스"), default="default", required=False)


def scenario(*parameters: Parameter) -> Scenario:
    return Scenario.model_validate(
        {"id": "s", "goal": "g", "parameters": [p.model_dump(by_alias=True) for p in parameters]}
    )


@pytest.mark.parametrize(
    ("text", "given", "value"),
    [
        ("restart it", {}, "shop"),
        ("restart it in namespace team-7", {}, "team-7"),
        ("restart it", {"namespace": "other"}, "other"),
    ],
)
def test_the_namespace_of_the_environment_stands_in_for_one_that_is_not_said(
    text: str, given: JsonObject, value: str
) -> None:
    values, assumed = bind(Goal(text=text, parameters=given), scenario(SPACE), frozenset(), here={"namespace": "shop"})
    assert values == {"namespace": value}
    assert [each.why for each in assumed] == (["so it is configured for this environment"] if value == "shop" else [])


def test_what_the_environment_says_is_held_against_the_schema_as_well() -> None:
    strict = SPACE.model_copy(update={"schema_": {"type": "string", "pattern": "^[a-z]+$"}})
    with pytest.raises(InputError, match="namespace"):
        bind(Goal(text="restart it"), scenario(strict), frozenset(), here={"namespace": "No!"})
