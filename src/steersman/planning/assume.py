"""Planning where nothing is connected: what would have been observed is assumed, and the plan says so.

Such a plan shows what a scenario would do. It can never run: its environment is one that no system is, so the checker
and the gate refuse it everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from steersman.domain.environment import Environment, Tier
from steersman.domain.errors import InputError
from steersman.domain.fact import Instant, JsonObject
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation
from steersman.domain.plan import Assumption, Check, Observation, Plan, Predicate
from steersman.domain.scenario import FactTest, Match, Method, Parameter, Scenario
from steersman.planning.fill import fill, fill_text
from steersman.planning.goal_text import found_in
from steersman.planning.parameters import bind
from steersman.planning.planner import plan
from steersman.planning.world import Facts, Reading, World, facts_of

UID = "not-connected"
MOST_ROUNDS = 12
NOT_LOOKED_AT = "not looked at, since nothing is connected: taken to be as the scenario wants it"
NOT_GIVEN = "a placeholder, since nobody said; give -p {name}=..."
PLACEHOLDERS: Mapping[str, JsonValue] = {
    "string": "example",
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "array": ["example"],
    "object": {},
}


class Given(NamedTuple):
    """One value that a person says is there: `argo_rollouts.get_rollout`, `/strategy`, `blueGreen`."""

    operation: str
    path: str
    value: JsonValue


def unconnected(kind: str, tier: Tier) -> Environment:
    """An environment of that kind that no system is."""
    return Environment(kind=kind, name="nothing-connected", uid=UID, url="", tier=tier)


def is_unconnected(environment: Environment) -> bool:
    """Whether plans for it can only be read."""
    return environment.uid == UID


def assumed_plan(goal: Goal, match: Match, world: World, *, given: Sequence[Given] = (), now: Instant) -> Plan:
    """A plan on assumed observations, all of which stand among its assumptions. Raises InputError as `plan` does."""
    goal, held = placeholders(goal, match.scenario)
    parameters, _ = bind(goal, match.scenario, world.services)
    facts: Facts = {}
    for _ in range(MOST_ROUNDS):
        made = plan(goal, [match], facts, world=world, now=now)
        if isinstance(made, Plan):
            seen = tuple(item for observation in made.observations for item in _said(observation))
            return made.model_copy(update={"assumptions": (*held, *made.assumptions, *seen)})
        readings = [
            Reading(
                probe=probe, state=assumed(probe, match.scenario, parameters, world=world, given=given), observed_at=now
            )
            for probe in made.probes
        ]
        facts = {**facts, **facts_of(*readings)}
    raise InputError(f"{goal.text!r}: after {MOST_ROUNDS} rounds the methods still ask for more; mend them")


def placeholders(goal: Goal, scenario: Scenario) -> tuple[Goal, tuple[Assumption, ...]]:
    """The goal with a placeholder for each parameter that must be given and is not."""
    missing = [each for each in scenario.parameters if _is_missing(each, goal)]
    values = {each.name: _placeholder(each) for each in missing}
    held = tuple(Assumption(name=name, value=value, why=NOT_GIVEN.format(name=name)) for name, value in values.items())
    return goal.model_copy(update={"parameters": {**goal.parameters, **values}}), held


def assumed(
    probe: Invocation, scenario: Scenario, parameters: JsonObject, *, world: World, given: Sequence[Given] = ()
) -> JsonObject:
    """What a probe is taken to show: what the first method of each task wants to see there, and what people gave.

    Nothing else is made up: a field that no method asks for stays unknown.
    """
    state: JsonObject = {"exists": not _is_created(probe, scenario, world)}
    for test in _wanted(probe, scenario, parameters):
        if test.path == "/exists":
            state["exists"] = test.value if test.op == "==" else test.op == "exists"
        else:
            _satisfy(state, test)
    for item in given:
        if item.operation == probe.operation:
            _put(state, item.path, item.value)
    return state if state["exists"] is not False else {"exists": False}


def _is_missing(parameter: Parameter, goal: Goal) -> bool:
    if not parameter.required or parameter.default is not None or parameter.name in goal.parameters:
        return False
    return found_in(goal.text, parameter, frozenset()) is None


def _placeholder(parameter: Parameter) -> JsonValue:
    schema = parameter.schema_
    for word in ("examples", "enum"):
        choices = schema.get(word)
        if isinstance(choices, list) and choices:
            return choices[0]
    if parameter.kind == "amount":
        return "1Gi"
    if schema.get("type", "string") == "string":
        return f"example-{parameter.name.replace('_', '-')}"
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    if isinstance(low, (int, float)):
        return low + 1 if isinstance(low, int) else low + 1.0
    return PLACEHOLDERS[str(schema["type"])]


def _first(scenario: Scenario) -> Iterator[Method]:
    """The preferred method of each task."""
    seen: set[str] = set()
    for method in scenario.method.methods if scenario.method else ():
        if method.task not in seen:
            seen.add(method.task)
            yield method


def _is_created(probe: Invocation, scenario: Scenario, world: World) -> bool:
    """Whether the first thing that the scenario does to it is to create it."""
    names = [OperationName(subtask.operation or "") for method in _first(scenario) for subtask in method.subtasks]
    writes = [world.catalogue[name] for name in names if name in world.catalogue]
    first = next((each for each in writes if each.probe and each.probe.operation == probe.operation), None)
    return first is not None and first.access == "create"


def _wanted(probe: Invocation, scenario: Scenario, parameters: JsonObject) -> Iterator[Predicate]:
    for method in _first(scenario):
        for test in method.when:
            if test.probe is not None and _same(test.probe, probe, parameters):
                yield _filled(test, parameters)
        for subtask in method.subtasks:
            yield from _claims(subtask.preconditions, probe, parameters)
    yield from _claims(scenario.method.invariants if scenario.method else (), probe, parameters)


def _claims(checks: Sequence[Check], probe: Invocation, parameters: JsonObject) -> Iterator[Predicate]:
    for check in checks:
        if _same(check.call, probe, parameters):
            yield from (_filled(FactTest(test=claim), parameters) for claim in check.expect)


def _same(asked: Invocation, probe: Invocation, parameters: JsonObject) -> bool:
    """Whether it is the same question; one that depends on more than parameters is when its operation is."""
    if asked.operation != probe.operation:
        return False
    try:
        return fill(asked.arguments, parameters) == probe.arguments
    except InputError:
        return True


def _filled(test: FactTest, parameters: JsonObject) -> Predicate:
    try:
        value = fill(test.test.value, parameters)
        return test.test.model_copy(update={"value": value, "path": fill_text(test.test.path, parameters)})
    except InputError:
        return test.test


def _satisfy(state: JsonObject, claim: Predicate) -> None:
    value = claim.value
    match claim.op:
        case "absent":
            return
        case "in" if isinstance(value, list) and value:
            _put(state, claim.path, value[0])
        case ">" | "<" if isinstance(value, (int, float)):
            _put(state, claim.path, value + 1 if claim.op == ">" else value - 1)
        case "!=":
            _put(state, claim.path, f"not-{value}" if isinstance(value, str) else not value)
        case "exists":
            _put(state, claim.path, "example")
        case _:
            _put(state, claim.path, value)


def _put(state: JsonObject, path: str, value: JsonValue) -> None:
    """Sets the value at a JSON Pointer; objects on the way are made."""
    *way, last = path.split("/")[1:] or [path]
    here = state
    for key in way:
        inner = here.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        here = inner
    here[last] = value


def _said(observation: Observation) -> Iterator[Assumption]:
    for field, value in observation.state.items():
        yield Assumption(name=f"{observation.resource}/{field}", value=value, why=NOT_LOOKED_AT)
