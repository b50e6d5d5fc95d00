"""Every method of every shipped scenario plans, and its plan passes the checker, on each platform that it names."""

import re
from datetime import UTC, datetime
from fnmatch import fnmatch

import pytest
from pydantic import JsonValue

from steersman.app.contracts import plannable
from steersman.domain.environment import Environment
from steersman.domain.expression import pointer
from steersman.domain.fact import JsonObject
from steersman.domain.goal import Goal
from steersman.domain.ids import OperationName, ResourceId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan
from steersman.domain.scenario import FactTest, Match, Method, Parameter, Scenario
from steersman.domain.signal import UNIT
from steersman.index.files import builtin
from steersman.planning.check import check
from steersman.planning.planner import plan
from steersman.planning.world import Facts, Needs, Reading, World, facts_of, probe_key
from steersman.policy.builtin import NEW_BACKUP, PROTECTED

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SCENARIOS = [item for item in builtin().scenarios if not item.id.startswith("deploy-bluegreen-lab")]
CASES = [
    (scenario, method, platform)
    for scenario in SCENARIOS
    for method in (scenario.method.methods if scenario.method else ())
    if scenario.method and method.task == scenario.method.root
    for platform in sorted(scenario.labels.platforms)
]
KNOWN: dict[str, JsonValue] = {
    "service": "payments",
    "target": "https://shop.test:8443",
    "version": "1.2.3",
    "memory_limit": "1Gi",
}
VALUES: dict[str, JsonValue] = {
    "string": "x",
    "integer": 7,
    "number": 7.5,
    "boolean": True,
    "array": ["x"],
    "object": {},
}


def protected(resource: ResourceId) -> bool:
    return any(fnmatch(resource, pattern) for pattern in PROTECTED)


def sample(schema: JsonValue, whole: JsonValue = None) -> JsonValue:
    """Something that the schema allows; `whole` holds its definitions."""
    assert isinstance(schema, dict)
    whole = whole or schema
    if "$ref" in schema:
        assert isinstance(whole, dict)
        return sample(pointer(whole, str(schema["$ref"]).removeprefix("#")), whole)
    for word in ("examples", "enum", "anyOf"):
        choices = schema.get(word)
        if isinstance(choices, list):
            return sample(choices[0], whole) if word == "anyOf" else choices[0]
    if schema.get("type") == "object" and "properties" in schema:
        properties = schema["properties"]
        assert isinstance(properties, dict)
        return {name: sample(part, whole) for name, part in properties.items()}
    kind = schema["type"]
    return VALUES[str(kind[0] if isinstance(kind, list) else kind)]


def value_for(parameter: Parameter) -> JsonValue:
    return KNOWN.get(parameter.name) or sample(parameter.schema_)


def world(platform: str, scenario: Scenario) -> World:
    tier = "lab" if "lab" in scenario.labels.tiers else "staging"
    environment = Environment.model_validate(
        {"kind": platform, "name": "test", "uid": "u1", "url": "https://k8s.test", "tier": tier}
    )
    return World(
        environment=environment,
        catalogue=plannable(),
        kinds={},
        protected=protected,
        admits_new=lambda resource: re.search(NEW_BACKUP, resource) is not None,
        signals=frozenset(UNIT),
    )


def answer(probe: Invocation, tests: dict[str, list[FactTest]]) -> JsonObject:
    """What the method under test wants to see there; where it does not care, absence for what is created."""
    wanted = tests.get(probe_key(probe))
    if wanted is None:
        return {"exists": False}
    state = sample(plannable()[probe.operation].output_schema)
    assert isinstance(state, dict)
    for test in wanted:
        if test.test.path == "/exists" and test.test.value is False:
            return {"exists": False}
        state[test.test.path[1:]] = test.test.value
    return state


def planned(scenario: Scenario, method: Method, platform: str) -> Plan:
    parameters = {p.name: value_for(p) for p in scenario.parameters if p.default in (None, "")}
    assert scenario.method is not None
    inner = [each for each in scenario.method.methods if each.task != scenario.method.root]
    for item in [test for each in (*inner, method) for test in each.when]:
        if item.probe is None and item.test.path.startswith("/parameters/"):
            name = item.test.path.rpartition("/")[2]
            if item.test.op == "==":
                parameters[name] = item.test.value
            elif item in method.when:
                parameters[name] = "x"
    named = {name: value for name, value in parameters.items() if value != ""}
    given = {p.name: parameters.get(p.name, p.default) for p in scenario.parameters}
    tests: dict[str, list[FactTest]] = {}
    for item in [test for each in (method, *inner) for test in each.when]:
        if item.probe is None:
            continue
        filled = {k: str(v).format_map(given) for k, v in item.probe.arguments.items()}
        tests.setdefault(probe_key(Invocation(operation=item.probe.operation, arguments=filled)), []).append(item)
    facts: Facts = {}
    for _ in range(20):
        made = plan(
            Goal(text=scenario.goal, parameters=named),
            [Match(scenario=scenario, score=1.0, why=("test",))],
            facts,
            world=world(platform, scenario),
            now=NOW,
        )
        if isinstance(made, Plan):
            return made
        assert isinstance(made, Needs)
        readings = [Reading(probe=probe, state=answer(probe, tests), observed_at=NOW) for probe in made.probes]
        facts = {**facts, **facts_of(*readings)}
    raise AssertionError("the planner asks for ever")


@pytest.mark.parametrize(("scenario", "method", "platform"), CASES, ids=[f"{s.id}-{m.name}-{p}" for s, m, p in CASES])
def test_it_plans_and_the_checker_finds_nothing(scenario: Scenario, method: Method, platform: str) -> None:
    made = planned(scenario, method, platform)
    assert check(made, world=world(platform, scenario)) == []
    assert method.name in [choice.method for choice in made.provenance.choices if choice.taken]
    assert len(made.steps) >= len([subtask for subtask in method.subtasks if subtask.operation])
    for step in made.steps:
        operation = plannable()[OperationName(step.operation)]
        assert (step.inverse is None) == (operation.inverse is None)
