from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from tests.unit.planning.lab_operations import WORLD, FakeLab
from tests.unit.planning.test_planner import KOREAN, MATCH

from steersman.agents.planning import PlanningDeps, drifted, observe
from steersman.agents.planning_graph import planning_agent
from steersman.agents.proposing import make_plan
from steersman.domain.call import Call, Outcome
from steersman.domain.environment import Principal
from steersman.domain.errors import InputError, UnavailableError
from steersman.domain.goal import Goal
from steersman.domain.ids import PrincipalId, RunId
from steersman.domain.operation import Invocation

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class StillClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("planning does not wait")


@dataclass
class Gate:
    """Stands in for the gate: answers reads from a lab in memory and remembers what was asked."""

    lab: FakeLab = field(default_factory=FakeLab)
    calls: list[Call] = field(default_factory=list)
    down: bool = False

    async def call(self, call: Call) -> Outcome:
        self.calls.append(call)
        if self.down:
            raise UnavailableError("the lab is down; start it")
        answer = self.lab.answer(Invocation(operation=call.operation, arguments=call.arguments))
        return Outcome(output=answer, started_at=NOW, finished_at=NOW)


def deps(gate: Gate) -> PlanningDeps:
    me = Principal(id=PrincipalId("kim"), kind="human", roles=frozenset({"operator"}))
    return PlanningDeps(caller=gate, world=WORLD, clock=StillClock(), principal=me, run_id=RunId("r1"))


async def test_it_reads_only_what_the_methods_ask_for_and_only_reads() -> None:
    gate = Gate()
    made = await make_plan(Goal(text=KOREAN), [MATCH], deps(gate))
    assert made.scenario_id == "deploy-bluegreen-lab"
    assert {WORLD.catalogue[call.operation].effect for call in gate.calls} == {"read"}
    assert len(gate.calls) == len({call.model_dump_json() for call in gate.calls}) == 4
    assert {call.route for call in gate.calls} == {"agent"}


async def test_it_refuses_to_look_with_a_write() -> None:
    gate = Gate()
    write = Invocation(operation="lab.stop", arguments={"service": "payments", "pool": "blue"})
    with pytest.raises(InputError, match="no registered read"):
        await observe([write], deps(gate))
    assert gate.calls == []


async def test_what_cannot_be_read_is_an_error_and_no_plan() -> None:
    with pytest.raises(UnavailableError):
        await make_plan(Goal(text=KOREAN), [MATCH], deps(Gate(down=True)))


async def test_a_plan_that_the_checker_rejects_is_not_handed_out() -> None:
    blind = replace(deps(Gate()), world=replace(WORLD, signals=frozenset({"cpu"})))
    with pytest.raises(InputError, match="unmeasurable_signal"):
        await make_plan(Goal(text=KOREAN), [MATCH], blind)


async def test_drift_shows_when_somebody_moves_traffic_after_planning() -> None:
    gate = Gate()
    made = await make_plan(Goal(text=KOREAN), [MATCH], deps(gate))
    assert await drifted(made, deps(gate)) == []
    gate.lab.weights = {"blue": 90, "green": 10}
    assert [(d.resource, d.path, d.was, d.now) for d in await drifted(made, deps(gate))] == [
        ("lab/route/payments", "/weights/blue", 100, 90),
        ("lab/route/payments", "/weights/green", 0, 10),
    ]


async def test_the_graph_gives_the_same_plan_as_the_loop() -> None:
    given = deps(Gate())
    loop = await make_plan(Goal(text=KOREAN), [MATCH], given)
    state = await planning_agent().ainvoke({"goal": Goal(text=KOREAN), "matches": [MATCH]}, context=given)
    assert state["plan"].digest() == loop.digest()


async def test_the_graph_says_why_it_refuses() -> None:
    state = await planning_agent().ainvoke({"goal": Goal(text="배포"), "matches": [MATCH]}, context=deps(Gate()))
    assert "'service' is missing" in state["refused"]
    assert state.get("plan") is None
