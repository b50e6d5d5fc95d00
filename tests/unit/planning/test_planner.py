from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from tests.unit.planning.lab_operations import WORLD, FakeLab

import steersman.knowledge
from steersman.domain.errors import InputError
from steersman.domain.goal import Goal
from steersman.domain.plan import Plan
from steersman.domain.scenario import Match, Scenario
from steersman.planning.check import check
from steersman.planning.planner import plan
from steersman.planning.world import Facts, Needs, Reading, World, facts_of

NOW = datetime(2026, 11, 25, tzinfo=UTC)
FILE = Path(steersman.knowledge.__file__).parent / "scenarios" / "deploy-bluegreen-lab.yaml"
SCENARIO = Scenario.model_validate(yaml.safe_load(FILE.read_text()))
MATCH = Match(scenario=SCENARIO, score=0.9, why=("goal",))
KOREAN = "payments v2를 블루-그린으로 배포"


def made(lab: FakeLab, text: str = KOREAN, world: World = WORLD, **parameters: object) -> Plan:
    facts: Facts = {}
    for _ in range(5):
        result = plan(Goal(text=text, parameters=parameters), [MATCH], facts, world=world, now=NOW)
        if isinstance(result, Plan):
            return result
        assert isinstance(result, Needs)
        read = [Reading(probe=probe, state=lab.answer(probe), observed_at=NOW) for probe in result.probes]
        facts = {**facts, **facts_of(*read)}
    raise AssertionError("five rounds of reading did not suffice")


@pytest.mark.parametrize(
    "text",
    [
        KOREAN,
        "Deploy payments v2 blue-green",
        "deploy v2 of payments blue/green",
        "payments를 버전 v2로 블루-그린 배포",
    ],
)
def test_the_demo_goal_becomes_a_valid_phased_plan(text: str) -> None:
    result = made(FakeLab(), text)
    assert check(result, WORLD) == []
    assert [step.id for step in result.steps] == [
        "build",
        "test-artifact",
        "start-green",
        "wait-ready",
        "smoke-test",
        "shift-10",
        "shift-50",
        "shift-100",
        "reconcile",
        "read-back",
    ]
    assert result.parameters["service"] == "payments"
    assert result.parameters["version"] == "v2"
    assert [s.arguments["weights"] for s in result.steps if s.operation == "lab.set_weights"] == [
        {"green": 10, "blue": 90},
        {"green": 50, "blue": 50},
        {"green": 100, "blue": 0},
    ]
    assert {condition.selector.pool for condition in result.conditions} == {"green"}
    assert all(step.hold for step in result.steps if step.operation == "lab.set_weights")


def test_steps_that_do_not_depend_on_each_other_come_out_parallel() -> None:
    result = made(FakeLab())
    assert result.step("reconcile").needs == ("shift-100",)
    assert result.step("read-back").needs == ("shift-100",)


def test_blue_is_used_when_green_is_live() -> None:
    result = made(FakeLab(blue=None, green="v1", weights=(0, 100)))
    assert check(result, WORLD) == []
    assert result.step("start-blue").arguments["pool"] == "blue"
    assert result.step("shift-10").arguments["weights"] == {"blue": 10, "green": 90}


def test_an_idle_older_version_is_stopped_first_and_comes_back_in_the_undo() -> None:
    result = made(FakeLab(blue="v1", green="v0"))
    assert check(result, WORLD) == []
    assert "stop-green" in result.step("start-green").needs
    inverse = result.step("stop-green").inverse
    assert inverse is not None
    assert inverse.arguments["version"] == {"$before": "/version"}


def test_what_is_built_already_is_not_built_again() -> None:
    lab = FakeLab()
    lab.artifacts.add("v2")
    result = made(lab)
    assert check(result, WORLD) == []
    assert result.steps[0].operation == "lab.get_artifact"
    assert any(choice.method == "build" and "is built already" in choice.why for choice in result.provenance.choices)


def test_a_version_that_runs_already_is_refused_with_the_reason() -> None:
    with pytest.raises(InputError, match="payments v1 is running in the live pool blue already"):
        made(FakeLab(), "payments v1을 블루-그린으로 배포")


def test_split_traffic_is_refused_with_both_reasons() -> None:
    with pytest.raises(InputError, match=r"green takes traffic already.*blue takes traffic already"):
        made(FakeLab(green="v0", weights=(50, 50)))


def test_missing_parameters_are_named_all_at_once() -> None:
    with pytest.raises(InputError, match=r"'service' is missing.*'version' is missing"):
        made(FakeLab(), "블루-그린으로 배포")


def test_given_parameters_win_and_unknown_ones_are_named() -> None:
    assert made(FakeLab(), service="catalog").parameters["service"] == "catalog"
    with pytest.raises(InputError, match="did you mean 'version'"):
        made(FakeLab(), vresion="v3")


def test_defaults_become_assumptions() -> None:
    result = made(FakeLab(), "payments v2를 5% → 25% → 100%로 블루-그린 배포")
    assumed = {assumption.name for assumption in result.assumptions}
    assert "max_error_rate" in assumed
    assert "weights" not in assumed
    assert result.parameters["weights"] == [5, 25, 100]


def test_a_plan_holds_what_was_seen_of_everything_that_it_changes_or_relies_on() -> None:
    resources = {seen.resource for seen in made(FakeLab()).observations}
    assert resources == {
        "lab/artifact/payments/v2",
        "lab/pool/payments/green",
        "lab/pool/payments/blue",
        "lab/route/payments",
    }


def test_a_scenario_for_another_environment_is_passed_over_and_named() -> None:
    elsewhere = SCENARIO.model_copy(
        update={"id": "eks", "labels": SCENARIO.labels.model_copy(update={"platforms": frozenset({"eks"})})}
    )
    matches = [MATCH.model_copy(update={"scenario": elsewhere})]
    with pytest.raises(InputError, match="eks: it is for eks, and this is lab"):
        plan(Goal(text=KOREAN), matches, {}, world=WORLD, now=NOW)


def test_planning_the_same_twice_gives_the_same_digest() -> None:
    assert made(FakeLab()).digest() == made(FakeLab()).digest()
