"""Every shipped scenario can be planned in some world, and no world makes it a plan that the checker rejects."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from steersman.domain.environment import Environment
from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.domain.goal import Goal
from steersman.domain.plan import Plan
from steersman.domain.scenario import Match, Parameter, Scenario
from steersman.domain.signal import UNIT
from steersman.index.files import builtin
from steersman.planning.check import check
from steersman.planning.planner import plan
from steersman.planning.world import Facts, Needs, Reading, World, facts_of
from steersman.toolsets.contracts.catalogue import contracts

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SCENARIOS = [item for item in builtin().scenarios if item.method and item.id != "deploy-bluegreen-lab"]
TRIES = 40


def world_of(scenario: Scenario) -> World:
    labels = scenario.labels
    here = Environment(
        kind=min(labels.platforms, default="kubernetes"),
        name="c",
        uid="u",
        url="https://c",
        tier=min(labels.tiers, default="staging"),
    )
    return World(environment=here, catalogue=contracts(), kinds={}, protected=lambda _: False, signals=frozenset(UNIT))


def sample(schema: JsonObject, rng: Random) -> Any:
    if "enum" in schema:
        return rng.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            state = {name: sample(inner, rng) for name, inner in schema.get("properties", {}).items()}
            return {"exists": False} if "exists" in state and rng.random() < 0.5 else state
        case "array":
            return [sample(schema.get("items", {"type": "string"}), rng)]
        case "integer":
            return max(schema.get("minimum", 0), rng.randrange(4))
        case "number":
            return max(schema.get("minimum", 0.0), rng.choice([0.0, 0.01, 1.5]))
        case "boolean":
            return rng.choice([True, False])
        case _:
            return rng.choice(["v1", "x", "ready", "blue", "green"])


def value(parameter: Parameter, rng: Random) -> Any:
    known = {"service": "payments", "version": "v2"}
    return known.get(parameter.kind or "") or sample(parameter.schema_, rng)


def tried(scenario: Scenario, rng: Random) -> Plan | None:
    world, facts = world_of(scenario), dict[str, Reading]()
    given = {p.name: value(p, rng) for p in scenario.parameters if p.default is None}
    known: Facts = facts
    try:
        for _ in range(8):
            goal, matches = Goal(text=scenario.goal, parameters=given), [Match(scenario=scenario, score=1.0, why=())]
            made = plan(goal, matches, known, world=world, now=NOW)
            if not isinstance(made, Needs):
                return made
            read = [
                Reading(probe=p, state=sample(contracts()[p.operation].output_schema, rng), observed_at=NOW)
                for p in made.probes
            ]
            known = {**known, **facts_of(*read)}
    except InputError:
        return None
    raise AssertionError("more than eight rounds of reading")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[item.id for item in SCENARIOS])
def test_it_can_be_planned_and_its_plans_are_sound(scenario: Scenario) -> None:
    rng, sound = Random(1), 0
    for _ in range(TRIES):
        made = tried(scenario, rng)
        if made is not None:
            assert check(made, world_of(scenario)) == []
            sound += 1
        if sound == 2:
            return
    assert sound
