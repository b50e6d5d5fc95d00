"""Where nothing is connected, plans are made on contracts and assumptions, say so, and can never run."""

from pathlib import Path

import pytest

from steersman.app.contracts import contract_plan, contract_world, given, is_only_contract, platforms_of
from steersman.app.scenarios import Knowledge
from steersman.app.settings import KnowledgeSettings, Settings
from steersman.domain.environment import Environment
from steersman.domain.errors import ConfigError, InputError
from steersman.domain.goal import Goal
from steersman.domain.plan import Plan, Threshold
from steersman.gate.admission import Registry
from steersman.index.files import builtin
from steersman.knowledge.document import read
from steersman.planning.check import check
from steersman.planning.world import World
from steersman.testing.world import World as Simulated

DESIGN = (Path(__file__).parents[1] / "knowledge" / "design_example.json").read_text("utf-8")
SHIPPED = [each for each in builtin().scenarios if is_only_contract(each)]


@pytest.fixture
def knowledge(tmp_path: Path) -> Knowledge:
    return Knowledge(Settings(home=tmp_path, knowledge=KnowledgeSettings(embedder="words")))


def planned(knowledge: Knowledge, scenario: str, *assume: str, **parameters: str) -> tuple[Plan, World]:
    world = contract_world(platforms_of(knowledge.named(scenario).scenario))
    goal = Goal(text=scenario, parameters={**parameters})
    return contract_plan(goal, knowledge, world, scenario=scenario, given=given(assume)), world


@pytest.mark.parametrize("strategy", ["canary", "blueGreen"])
def test_the_json_of_the_design_gives_a_typed_plan_by_its_name_alone(knowledge: Knowledge, strategy: str) -> None:
    knowledge.base.add(read(DESIGN).scenarios)
    made, world = planned(knowledge, "deploy-bluegreen-eks", f"argo_rollouts.get_rollout/strategy={strategy}")
    assert check(made, world) == []
    weights = [step.arguments["weight"] for step in made.steps if step.operation == "argo_rollouts.set_weight"]
    assert weights == [10, 50, 100]
    bounds = {c.signal: c.test.value for c in made.conditions if isinstance(c.test, Threshold)}
    assert bounds == {"cpu": 0.7, "error_rate": 0.05, "latency_p99": 1.0}
    assert any("blueGreen has no weights" in choice.why for choice in made.provenance.choices if choice.taken)


def test_everything_that_was_assumed_stands_in_the_plan(knowledge: Knowledge) -> None:
    knowledge.base.add(read(DESIGN).scenarios)
    made, _ = planned(knowledge, "deploy-bluegreen-eks", version="v2")
    said = {each.name: each for each in made.assumptions}
    assert said["service"].value == "example-service"
    assert "placeholder" in said["service"].why
    assert "version" not in said
    assert said["latency_p99_bound_s"].value == 1.0
    assert said["conditions.0"].value == "서비스 무중단 유지"
    looked = said["argo_rollouts/rollout/default/example-service/strategy"]
    assert (looked.value, "not looked at" in looked.why) == ("canary", True)
    fields = {f"{seen.resource}/{field}" for seen in made.observations for field in seen.state}
    assert fields <= said.keys()


@pytest.mark.parametrize("scenario", SHIPPED, ids=[str(each.id) for each in SHIPPED])
def test_every_shipped_scenario_plans_by_its_name_alone(knowledge: Knowledge, scenario: object) -> None:
    made, world = planned(knowledge, scenario.id)
    assert check(made, world) == []
    assert made.steps


def test_such_a_plan_is_wrong_in_every_environment_that_can_be_connected(knowledge: Knowledge) -> None:
    made, world = planned(knowledge, "deploy-canary-argo-rollouts")
    real = Environment(kind="kubernetes", name="nothing-connected", uid="u1", url="https://k8s.test", tier="staging")
    elsewhere = World(
        environment=real, catalogue=world.catalogue, kinds={}, protected=world.protected, signals=world.signals
    )
    assert "wrong_environment" in [problem.code for problem in check(made, elsewhere)]


def test_the_gate_has_no_code_for_its_operations(knowledge: Knowledge) -> None:
    made, _ = planned(knowledge, "deploy-canary-argo-rollouts")
    registry = Registry.of((Simulated(),))
    for step in made.steps:
        with pytest.raises(InputError, match="no operation"):
            registry.find(step.operation)


@pytest.mark.parametrize("text", ["", "a=b", "argo_rollouts.get_rollout=1", "/x=1", "a.b/c", "a.b/c=["])
def test_a_malformed_assumption_is_refused_with_the_form_that_is_wanted(text: str) -> None:
    with pytest.raises(InputError, match="--assume"):
        given([text])


def test_a_platform_without_contracts_names_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'argo_rollouts'"):
        contract_world(["kubernetes", "argo-rollout"])


def test_an_embedder_that_is_none_is_a_configuration_error(tmp_path: Path) -> None:
    for name in ("nope", "http://host/v1", "http://host/v1?model=m&dimension=x"):
        with pytest.raises(ConfigError, match=r"knowledge\.embedder"):
            _ = Knowledge(Settings(home=tmp_path, knowledge=KnowledgeSettings(embedder=name))).base
