"""Every shipped scenario is whole: bilingual, reversible or says why not, typed, and built on known operations."""

import re

import pytest

from steersman.app.contracts import plannable
from steersman.domain.expression import is_expression
from steersman.domain.scenario import Scenario, Subtask
from steersman.index.files import builtin
from steersman.knowledge.document import read, write
from steersman.knowledge.phrases.candidates import CANDIDATES
from steersman.knowledge.trust import distrust
from steersman.planning.planner import PLANNED_AT
from steersman.toolsets.contracts.catalogue import contracts

SCENARIOS = [item for item in builtin().scenarios if not item.id.startswith("deploy-bluegreen-lab")]
FIRST = (
    "deploy-bluegreen-eks",
    "scale-hpa-on-queue-depth",
    "run-k6-smoke-test-after-deploy",
    "backup-postgres-before-migration",
    "patch-vulnerability-cve",
    "rotate-secrets-vault",
)
each = pytest.mark.parametrize("scenario", SCENARIOS, ids=[item.id for item in SCENARIOS])


def subtasks(scenario: Scenario) -> list[Subtask]:
    assert scenario.method is not None
    return [subtask for method in scenario.method.methods for subtask in method.subtasks]


def test_the_library_loads_without_defects_and_is_large_enough() -> None:
    assert builtin().defects == ()
    assert len(SCENARIOS) >= 40
    assert {item.id for item in SCENARIOS} >= set(FIRST)


def test_the_design_scenario_ships_with_its_own_words() -> None:
    shipped = next(item for item in SCENARIOS if item.id == "deploy-bluegreen-eks")
    assert shipped.steps[2] == "Canary traffic 10% → 50% → 100% 전환"
    assert shipped.rollback == "기존 blue Deployment 로 traffic 100% 복귀"


@each
def test_it_is_bilingual_and_says_what_would_make_it_wrong(scenario: Scenario) -> None:
    assert re.search("[가-힣]", scenario.goals["ko"])
    assert not re.search("[가-힣]", scenario.goals["en"])
    assert scenario.rollback
    assert re.search("[가-힣]", scenario.when_not)
    assert "Wrong" in scenario.when_not
    assert scenario.labels.platforms


@each
def test_it_reads_back_from_its_own_yaml(scenario: Scenario) -> None:
    assert read(write(scenario)).scenarios == (scenario,)


@each
def test_it_may_be_used_in_autonomous_mode(scenario: Scenario) -> None:
    assert distrust(scenario, builtin=True) == ""


@each
def test_its_method_calls_known_operations_with_their_arguments(scenario: Scenario) -> None:
    for subtask in subtasks(scenario):
        if subtask.task == "traffic.shift":
            assert subtask.arguments["operation"] in plannable()
            continue
        if subtask.task is not None:
            assert scenario.method is not None
            assert subtask.task in {method.task for method in scenario.method.methods}
            continue
        operation = plannable()[subtask.operation or ""]
        properties = operation.input_schema["properties"]
        assert isinstance(properties, dict)
        required = operation.input_schema.get("required", [])
        assert isinstance(required, list)
        assert set(required) <= set(subtask.arguments) <= set(properties), subtask.id
        for check in (*subtask.preconditions, *subtask.postconditions):
            assert plannable()[check.call.operation].effect == "read"


@each
def test_every_hole_is_a_parameter(scenario: Scenario) -> None:
    known = {parameter.name for parameter in scenario.parameters} | {"item", "index", PLANNED_AT}
    assert scenario.method is not None
    for hole in re.findall(r"\{([a-z_]+)\}", scenario.method.model_dump_json()):
        assert hole in known, hole


@each
def test_holds_name_conditions_that_it_has(scenario: Scenario) -> None:
    assert scenario.method is not None
    known = {condition.id for condition in scenario.method.conditions}
    held = {name for subtask in subtasks(scenario) if subtask.hold for name in subtask.hold.conditions}
    assert held <= known
    # What no hold names is watched for the whole run, which only a step that can be broken off makes sense of.
    breakable = any(plannable()[each.operation].interruptible for each in subtasks(scenario) if each.operation)
    assert held == known or breakable


@pytest.mark.parametrize("operation", contracts().values(), ids=list(contracts()))
def test_each_contract_names_a_probe_that_shows_what_its_after_says(operation: object) -> None:
    from steersman.domain.operation import Operation

    assert isinstance(operation, Operation)
    if operation.effect == "read":
        return
    assert operation.probe is not None
    probe = plannable()[operation.probe.operation]
    shown = probe.output_schema["properties"]
    assert isinstance(shown, dict)
    assert operation.after is not None
    assert set(operation.after) <= set(shown)
    if operation.inverse is not None:
        inverse = plannable()[operation.inverse.operation]
        wanted = inverse.input_schema["properties"]
        assert isinstance(wanted, dict)
        assert set(operation.inverse.arguments) == set(wanted)
        assert all(is_expression(value) for value in operation.inverse.arguments.values())


def test_every_candidate_of_a_step_can_be_planned() -> None:
    assert {name for names in CANDIDATES.values() for name in names} <= set(plannable())
