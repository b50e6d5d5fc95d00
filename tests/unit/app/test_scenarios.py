"""The application's knowledge base: opened when asked, careful when nobody looks on, told how runs ended."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from steersman.app.learning import propose
from steersman.app.outcomes import CountedEngine
from steersman.app.scenarios import Knowledge, with_unread
from steersman.app.settings import KnowledgeSettings, Settings
from steersman.domain.environment import Principal
from steersman.domain.errors import ConfigError, InputError, PolicyDeniedError
from steersman.domain.goal import Goal
from steersman.domain.plan import Plan
from steersman.domain.run import Run
from steersman.domain.scenario import Match
from steersman.index import opening
from steersman.knowledge.document import read
from steersman.planning.assume import assumed_plan

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ID = "deploy-canary-argo-rollouts"
CATS = "id: mine\ngoal: feed the office cats"


def knowing(home: Path, mode: str = "review") -> Knowledge:
    settings = Settings.model_validate({"home": home, "mode": mode, "knowledge": {"embedder": "words"}})
    return Knowledge(settings)


def plan(knowledge: Knowledge) -> Plan:
    from steersman.app.contracts import contract_world

    scenario = knowledge.base.show(ID).scenario
    goal = Goal(text="payments v2 카나리 배포")
    return assumed_plan(
        goal, Match(scenario=scenario, score=1, why=()), contract_world(["kubernetes", "argo-rollouts"]), now=NOW
    )


def ended(knowledge: Knowledge, state: str, run_id: str = "r1") -> Run:
    kim = Principal(id="kim", kind="human")
    fields = {"run_id": run_id, "plan": plan(knowledge), "requester": kim, "state": state, "steps": {}}
    return Run.model_validate({**fields, "created_at": NOW})


class Ending:
    """An engine whose runs end as they are told to."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs

    async def run(self, plan: Plan, run_id: str) -> Run:
        return self.runs.pop(0)

    async def undo(self, run_id: str, *, reason: str) -> Run:
        return self.runs.pop(0)

    async def show(self, run_id: str) -> Run:
        return self.runs[0]

    async def recover(self) -> tuple[Run, ...]:
        return tuple(self.runs)


def test_nothing_is_opened_before_it_is_asked(tmp_path: Path) -> None:
    knowing(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_scenario_that_nobody_reviewed_is_named_in_vain_in_autonomous_mode(tmp_path: Path) -> None:
    knowing(tmp_path).base.add(read(CATS).scenarios)
    assert knowing(tmp_path).named("mine").scenario.id == "mine"
    with pytest.raises(PolicyDeniedError, match="nobody has reviewed it"):
        knowing(tmp_path, "autonomous").named("mine")
    assert knowing(tmp_path, "autonomous").named(ID).scenario.id == ID


def test_autonomous_recall_leaves_out_what_nobody_reviewed(tmp_path: Path) -> None:
    here = plan(knowing(tmp_path)).environment
    knowing(tmp_path).base.add(read(CATS).scenarios)
    assert [m.scenario.id for m in knowing(tmp_path).recall("feed the office cats", here, frozenset())] == ["mine"]
    assert knowing(tmp_path, "autonomous").recall("feed the office cats", here, frozenset()) == []


async def test_a_run_is_counted_once_whichever_command_ends_it(tmp_path: Path) -> None:
    knowledge = knowing(tmp_path)
    done, undone = ended(knowledge, "done"), ended(knowledge, "rolled_back")
    engine = CountedEngine(Ending([done, done, undone]), knowledge)
    await engine.run(done.plan, "r1")
    await engine.run(done.plan, "r1")
    counts = knowing(tmp_path).base.show(ID).outcomes
    assert (counts.tried, counts.succeeded, counts.undone) == (1, 1, 0)
    await engine.undo("r1", reason="")
    counts = knowing(tmp_path).base.show(ID).outcomes
    assert (counts.tried, counts.succeeded, counts.undone) == (1, 0, 1)


async def test_recovered_runs_are_counted_and_waiting_ones_are_not(tmp_path: Path) -> None:
    knowledge = knowing(tmp_path)
    runs = [ended(knowledge, "done", "r1"), ended(knowledge, "waiting", "r2"), ended(knowledge, "done", "r3")]
    await CountedEngine(Ending(runs), knowledge).recover()
    assert knowledge.base.show(ID).outcomes.tried == 2


def test_a_count_that_cannot_be_kept_does_not_change_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    knowledge = knowing(tmp_path)
    run = ended(knowledge, "done")
    gone = run.model_copy(update={"plan": run.plan.model_copy(update={"scenario_id": "gone"})})
    knowledge.record(gone)
    assert "is not counted" in caplog.text


def test_a_condition_that_stayed_text_is_in_the_plan(tmp_path: Path) -> None:
    knowledge = knowing(tmp_path)
    made, scenario = plan(knowledge), knowledge.base.show(ID).scenario
    vague = scenario.model_copy(update={"conditions": ("be careful out there",)})
    (left,) = with_unread(made, vague).assumptions[len(made.assumptions) :]
    assert (left.name, left.value) == ("conditions.0", "be careful out there")
    assert with_unread(made, scenario.model_copy(update={"conditions": ()})) == made


def test_a_run_becomes_a_file_for_review_and_enters_nothing(tmp_path: Path) -> None:
    knowledge = knowing(tmp_path)
    knowledge.base.record(ID, "r1", "done")
    proposal, path = propose(ended(knowledge, "done"), knowledge)
    assert read(path.read_text("utf-8")).scenarios == (proposal.scenario,)
    assert "1 tried, 1 succeeded" in path.read_text("utf-8")
    assert proposal.scenario.id not in [entry.scenario.id for entry in knowing(tmp_path).base.entries()]
    with pytest.raises(InputError, match="is there already"):
        propose(ended(knowledge, "done"), knowledge)


def test_a_run_whose_words_could_deceive_is_not_learned_from(tmp_path: Path) -> None:
    knowledge = knowing(tmp_path)
    run = ended(knowledge, "done")
    evil = run.model_copy(update={"plan": run.plan.model_copy(update={"goal": "deploy \u202e payments"})})
    with pytest.raises(InputError, match="control character"):
        propose(evil, knowledge)


def test_a_store_that_was_indexed_otherwise_is_indexed_again_only_by_the_automatic_choice(tmp_path: Path) -> None:
    class Two:
        name, dimension = "two", 2

        def embed(self, texts: list[str]) -> list[list[float]]:
            return [[1.0, 0.0] for _ in texts]

    opening.open_base(tmp_path, embedder=Two()).add(read(CATS).scenarios)
    with pytest.raises(ConfigError, match="re-index"):
        _ = knowing(tmp_path).base
    automatic = Settings(home=tmp_path, knowledge=KnowledgeSettings())
    assert Knowledge(automatic).base.show("mine").scenario.id == "mine"


async def test_a_run_that_has_ended_is_remembered_and_found_by_what_it_was_for(tmp_path: Path) -> None:
    knowledge = knowing(tmp_path)
    undone = ended(knowledge, "rolled_back")
    assert knowledge.before(undone.plan.goal) == []
    await CountedEngine(Ending([undone]), knowledge).run(undone.plan, "r1")
    (found,) = knowing(tmp_path).before(undone.plan.goal)
    assert found.scenario.id == undone.run_id
    assert "rolled_back" in found.scenario.goal
    assert knowing(tmp_path).before("how do I bake bread") == []


def test_what_is_measured_now_ranks_scenarios_whose_conditions_hold(tmp_path: Path) -> None:
    here = plan(knowing(tmp_path)).environment
    goal, tools = "deploy payments v2 blue-green", frozenset({"lab"})
    calm = knowing(tmp_path).recall(goal, here, tools, signals={"error_rate": 0.0})
    burning = knowing(tmp_path).recall(goal, here, tools, signals={"error_rate": 0.5})
    holds = [match for match in burning if any("holds now" in why for why in match.why)]
    assert holds
    assert not [match for match in calm if any("holds now" in why for why in match.why)]
    was = {match.scenario.id: match.score for match in calm}
    assert all(match.score > was.get(match.scenario.id, -1.0) for match in holds)


async def test_a_plan_of_an_unreviewed_scenario_does_not_run_in_autonomous_mode(tmp_path: Path) -> None:
    knowing(tmp_path).base.add(read(CATS).scenarios)
    run = ended(knowing(tmp_path), "done")
    for scenario_id, why in (("mine", "nobody has reviewed it"), ("gone", "not in the knowledge base")):
        poisoned = run.model_copy(update={"plan": run.plan.model_copy(update={"scenario_id": scenario_id})})
        careful = CountedEngine(Ending([poisoned]), knowing(tmp_path, "autonomous"))
        with pytest.raises(PolicyDeniedError, match=why):
            await careful.run(poisoned.plan, "r1")
        with pytest.raises(PolicyDeniedError, match=why):
            await careful.resume("r1")
        assert (await CountedEngine(Ending([poisoned]), knowing(tmp_path)).run(poisoned.plan, "r1")).state == "done"
    assert (await CountedEngine(Ending([run]), knowing(tmp_path, "autonomous")).run(run.plan, "r1")).state == "done"
