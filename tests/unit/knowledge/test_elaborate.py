"""Plain text becomes a valid typed plan where code can read it, and says what it could not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from steersman.app.contracts import plannable
from steersman.domain.environment import Environment
from steersman.domain.fact import JsonObject
from steersman.domain.goal import Goal
from steersman.domain.plan import Plan, Threshold
from steersman.domain.scenario import Match, Scenario
from steersman.domain.signal import UNIT
from steersman.knowledge.document import read
from steersman.knowledge.elaborate import elaborate
from steersman.planning.check import check
from steersman.planning.planner import plan
from steersman.planning.world import Needs, Reading, World, facts_of

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DESIGN = read((Path(__file__).parent / "design_example.json").read_text("utf-8")).scenarios[0]
WORLD = World(
    environment=Environment(kind="kubernetes", name="eks", uid="u", url="https://eks.test", tier="staging"),
    catalogue=plannable(),
    kinds={},
    protected=lambda _: False,
    signals=frozenset(UNIT),
)


def planned(scenario: Scenario, state: JsonObject, **parameters: str) -> Plan:
    goal = Goal(text="payments v2 배포", parameters={"service": "payments", "version": "v2", **parameters})
    matches = [Match(scenario=scenario, score=1, why=())]
    made = plan(goal, matches, {}, world=WORLD, now=NOW)
    for _ in range(5):
        if isinstance(made, Plan):
            return made
        assert isinstance(made, Needs)
        facts = facts_of(*(Reading(probe=probe, state=state, observed_at=NOW) for probe in made.probes))
        made = plan(goal, matches, facts, world=WORLD, now=NOW)
    raise AssertionError("no plan")


@pytest.mark.parametrize("strategy", ["canary", "blueGreen"])
def test_the_json_of_the_design_yields_a_valid_typed_plan_without_a_model(strategy: str) -> None:
    typed = elaborate(DESIGN)
    made = planned(typed.scenario, {"exists": True, "image": "old:v1", "strategy": strategy, "weight": 0})
    assert check(made, WORLD) == []
    weights = [s.arguments["weight"] for s in made.steps if s.operation == "argo_rollouts.set_weight"]
    assert weights == [10, 50, 100]
    bounds = {c.signal: c.test.value for c in made.conditions if isinstance(c.test, Threshold)}
    assert bounds == {"cpu": 0.7, "error_rate": 0.05, "latency_p99": 1.0}
    assert {c.reaction for c in made.conditions} == {"rollback"}
    assumed = {a.name for a in made.assumptions}
    assert assumed >= {"latency_p99_bound_s", "cpu_window_s", "error_rate_window_s"}
    wait = next(s for s in made.steps if s.operation == "argo_rollouts.watch_rollout")
    assert wait.timeout_s == 300
    changes_strategy = any(s.operation == "argo_rollouts.set_strategy" for s in made.steps)
    assert changes_strategy == (strategy == "blueGreen")
    if changes_strategy:
        assert any("blueGreen has no weights" in s.why for s in made.steps)


def test_what_stays_text_is_named_with_its_reason() -> None:
    (left,) = elaborate(DESIGN).left
    assert (left.field, left.text, left.blocks) == ("conditions.0", "서비스 무중단 유지", False)
    assert left.why


def test_the_words_of_the_author_are_kept() -> None:
    typed = elaborate(DESIGN).scenario
    assert (typed.goal, typed.steps, typed.conditions) == (DESIGN.goal, DESIGN.steps, DESIGN.conditions)


@pytest.mark.parametrize(
    ("steps", "word"),
    [
        (("담당자와 협의 후 진행",), "steps.0"),
        (("새 버전 배포", "레플리카를 5로 조정"), "steps.1"),
        (("새 버전 배포", "트래픽 전환"), "steps"),
        (("파드가 준비될 때까지 대기 (최대 10분)",), "steps"),
        ((), ""),
    ],
)
def test_a_text_that_is_not_certain_gives_no_method(steps: tuple[str, ...], word: str) -> None:
    made = elaborate(DESIGN.model_copy(update={"steps": steps}))
    assert not made.plannable
    assert made.scenario.method is None
    assert not word or word in [left.field for left in made.left if left.blocks]


def test_a_rolling_update_in_words_plans_too() -> None:
    text = DESIGN.model_copy(update={"steps": ("새 버전 배포", "롤아웃 완료 대기"), "tools": ("kubectl",)})
    state: JsonObject = {
        "exists": True,
        "image": "old:v1",
        "replicas": 2,
        "cpu_limit": "1",
        "memory_limit": "1Gi",
        "environment": {},
        "restart_token": "x",
        "max_surge": "1",
        "max_unavailable": "0",
        "like": "",
    }
    made = planned(elaborate(text).scenario, state)
    assert check(made, WORLD) == []
    assert [s.operation for s in made.steps] == ["kubernetes.set_image", "kubernetes.watch_deployment"]


def test_a_scenario_with_a_method_stays_as_it_is() -> None:
    typed = elaborate(DESIGN).scenario
    assert elaborate(typed).scenario == typed
