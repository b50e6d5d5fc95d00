"""Valid plans of many shapes over the `shelf` toolset, for the checker's laws, the engines, and the crash bench."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.fact import Instant, JsonObject
from steersman.domain.ids import ConditionId, OperationName, ResourceId, StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import (
    Check,
    Condition,
    Hold,
    Observation,
    Plan,
    Predicate,
    Provenance,
    Step,
    Threshold,
)
from steersman.domain.signal import Selector
from steersman.planning.simulation import concrete
from steersman.planning.world import World
from steersman.testing.shelf import ENVIRONMENT, OPERATIONS, VALUE

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
ERRORS = ConditionId("errors")
FINE = Check(
    call=Invocation(operation=OperationName("shelf.get"), arguments={"name": "base"}),
    expect=(Predicate(path="/value", op=">=", value=0),),
    why="the base value stays",
)


def world(environment: Environment = ENVIRONMENT) -> World:
    """A world in which these plans are valid."""
    return World(
        environment=environment,
        catalogue=OPERATIONS,
        kinds={"shelf": environment.kind},
        protected=lambda _: False,
        signals=frozenset({"error_rate"}),
        services=frozenset({"base"}),
    )


@dataclass(slots=True)
class Draft:
    """Steps as they are put together; what each name holds by then is tracked, so that the plan is valid."""

    rng: random.Random
    values: dict[str, int] = field(default_factory=lambda: {"base": 0})
    """What lies on the shelf after the steps so far."""
    initial: dict[str, int | None] = field(default_factory=lambda: {"base": 0})
    """What lay there at first; None: nothing."""
    steps: list[Step] = field(default_factory=list)

    def write(
        self, name: str, needs: Sequence[StepId] = (), *, phase: str = "deploy", hold: Hold | None = None
    ) -> StepId:
        """Adds a write of whatever kind fits the name's state."""
        if name not in self.initial:
            self.initial[name] = self.rng.choice([None, self.rng.randrange(100)])
            if (first := self.initial[name]) is not None:
                self.values[name] = first
        verb = self.rng.choice(["put", "put", "delete"]) if name in self.values else "create"
        arguments: JsonObject = {"name": name}
        if verb == "delete":
            del self.values[name]
        else:
            arguments["value"] = self.values[name] = self.rng.randrange(1_000)
        return self.add(verb, arguments, needs, phase=phase, hold=hold)

    def read(self, name: str, needs: Sequence[StepId] = (), *, phase: str = "observe") -> StepId:
        """Adds a read."""
        return self.add("get", {"name": name}, needs, phase=phase)

    def add(
        self,
        verb: str,
        arguments: JsonObject,
        needs: Sequence[StepId] = (),
        *,
        phase: str = "deploy",
        hold: Hold | None = None,
    ) -> StepId:
        """Adds any step, with the inverse that its operation declares."""
        operation = OPERATIONS[OperationName(f"shelf.{verb}")]
        inverse = concrete(operation.inverse, arguments) if operation.inverse else None
        step = Step(
            id=StepId(f"s{len(self.steps):03}-{verb}"),
            phase=phase,
            operation=operation.name,
            arguments=arguments,
            needs=tuple(dict.fromkeys(needs)),
            inverse=inverse,
            timeout_s=operation.timeout_s,
            hold=hold,
        )
        self.steps.append(step)
        return step.id

    def plan(self, goal: str, *, conditions: tuple[Condition, ...] = ()) -> Plan:
        """The plan, with what was observed of everything that it touches."""
        return Plan(
            goal=goal,
            environment=ENVIRONMENT,
            steps=tuple(self.steps),
            conditions=conditions,
            invariants=(FINE,),
            observations=tuple(_observation(name, value) for name, value in self.initial.items()),
            provenance=Provenance(planner="file", made_at=MADE_AT),
        )


def _observation(name: str, value: int | None, at: Instant = MADE_AT) -> Observation:
    state: JsonObject = {"exists": False} if value is None else {"exists": True, "value": value}
    probe = Invocation(operation=OperationName("shelf.get"), arguments={"name": name})
    return Observation(resource=ResourceId(f"shelf/{name}"), probe=probe, state=state, observed_at=at)


def initial_values(plan: Plan) -> dict[str, int]:
    """What must lie on the shelf before such a plan runs: `Shelf(initial_values(plan))`."""
    seen: Mapping[str, JsonValue] = {
        str(o.probe.arguments["name"]): o.state.get("value") for o in plan.observations if o.exists
    }
    return {name: value for name, value in seen.items() if isinstance(value, int)}


def chain(draft: Draft, size: int) -> None:
    """One step after another, often on the same name."""
    last: list[StepId] = []
    for _ in range(size):
        last = [draft.write(f"n{draft.rng.randrange(max(1, size // 2))}", last)]


def fan_out(draft: Draft, size: int) -> None:
    """Many writes that do not depend on each other, behind one and before one."""
    first = draft.write("first")
    middle = [draft.write(f"n{i}", [first]) for i in range(max(1, size - 2))]
    draft.write("last", middle)


def diamond(draft: Draft, size: int) -> None:
    """Two branches of several steps that part and meet."""
    top = draft.write("top")
    ends = []
    for side in ("left", "right"):
        end = top
        for _ in range(max(1, (size - 2) // 2)):
            end = draft.write(side, [end])
        ends.append(end)
    draft.write("top", ends)


def two_phases(draft: Draft, size: int) -> None:
    """Parallel builds, then parallel deployments, each behind its own build and all observed."""
    half = max(1, size // 2)
    built = [draft.write(f"b{i}", phase="build") for i in range(half)]
    deployed = [draft.write(f"d{i}", [built[i]], phase="deploy") for i in range(half)]
    draft.read("base", deployed)


def data_flow(draft: Draft, size: int) -> None:
    """Each write takes its value from what a former read gave."""
    source = draft.add("get", {"name": "base"}, phase="build")
    for i in range(max(1, size // 2)):
        name = f"n{i}"
        draft.initial[name] = None
        reference: JsonValue = {"$from": {"step": source, "path": "/value", "bounds": VALUE}}
        made = draft.add("create", {"name": name, "value": reference}, [source])
        source = draft.add("get", {"name": name}, [made])


def uneven(draft: Draft, size: int) -> None:
    """A random DAG: writers of one name are ordered, everything else is as parallel as chance has it."""
    last: dict[str, StepId] = {}
    for _ in range(size):
        name = f"n{draft.rng.randrange(max(1, size // 2))}"
        earlier = [step.id for step in draft.steps]
        needs = draft.rng.sample(earlier, k=min(len(earlier), draft.rng.randrange(3)))
        last[name] = draft.write(name, [*([last[name]] if name in last else []), *needs])


def with_holds(draft: Draft, size: int) -> None:
    """A stepwise change of one name, each step watched before the next."""
    hold = Hold(conditions=(ERRORS,), for_s=0.5, max_s=5)
    last = [draft.write("weight", hold=hold)]
    for i in range(max(1, size - 2)):
        last = [draft.write("weight", last, hold=hold if i % 2 else None)]
    draft.read("base", last)


SHAPES: Mapping[str, Callable[[Draft, int], None]] = {
    "chain": chain,
    "fan_out": fan_out,
    "diamond": diamond,
    "two_phases": two_phases,
    "data_flow": data_flow,
    "uneven": uneven,
    "with_holds": with_holds,
}


def make(shape: str, *, seed: int = 0, size: int = 8) -> Plan:
    """A valid plan of a shape with about `size` steps; the same seed gives the same plan."""
    draft = Draft(random.Random(f"{shape}/{seed}/{size}"))  # noqa: S311  # a test plan is no secret
    SHAPES[shape](draft, size)
    watched = Condition(
        id=ERRORS,
        signal="error_rate",
        selector=Selector(service="base"),
        test=Threshold(op=">", value=0.05),
        window_s=5,
        point_s=0.1,
        min_points=5,
    )
    return draft.plan(f"{shape} of {size}", conditions=(watched,) if shape == "with_holds" else ())
