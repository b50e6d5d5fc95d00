"""A successful run becomes a proposal that plans again for other values; nothing else is learned from."""

from datetime import UTC, datetime

import pytest

from steersman.app.contracts import plannable
from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.domain.goal import Goal
from steersman.domain.plan import Plan
from steersman.domain.run import Run
from steersman.domain.scenario import Match
from steersman.domain.signal import UNIT
from steersman.index.files import builtin
from steersman.knowledge.document import read, write
from steersman.knowledge.fit import Ask
from steersman.knowledge.learning import learn
from steersman.knowledge.recall import recall_for
from steersman.knowledge.shelf import Entry, Shelf
from steersman.planning.check import check
from steersman.planning.planner import plan
from steersman.planning.world import Facts, Needs, Reading, World, facts_of

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KIM = Principal(id="kim", kind="human")
WORLD = World(
    environment=Environment(kind="kubernetes", name="eks", uid="u", url="https://eks.test", tier="staging"),
    catalogue=plannable(),
    kinds={},
    protected=lambda _: False,
    signals=frozenset(UNIT),
)
ROLLOUT: JsonObject = {"exists": True, "image": "old:v1", "strategy": "canary", "weight": 0}


def state(operation: str) -> JsonObject:
    return ROLLOUT if operation == "argo_rollouts.get_rollout" else {"exists": False}


def planned(goal: Goal, matches: list[Match]) -> Plan:
    facts: Facts = {}
    while isinstance(made := plan(goal, matches, facts, world=WORLD, now=NOW), Needs):
        facts = {
            **facts,
            **facts_of(*(Reading(probe=p, state=state(p.operation), observed_at=NOW) for p in made.probes)),
        }
    return made


def finished(state: str = "done") -> Run:
    scenario = next(s for s in builtin().scenarios if s.id == "deploy-canary-argo-rollouts")
    goal = Goal(text="payments v2 카나리 배포", parameters={"service": "payments", "version": "v2"})
    made = planned(goal, [Match(scenario=scenario, score=1, why=())])
    return Run.model_validate(
        {"run_id": "r1", "plan": made, "requester": KIM, "state": state, "steps": {}, "created_at": NOW}
    )


def test_values_of_the_run_become_parameters() -> None:
    proposal = learn(finished(), now=NOW)
    assert set(proposal.generalised) >= {"service", "version", "namespace"}
    assert proposal.scenario.method is not None
    body = proposal.scenario.method.model_dump_json()
    assert "payments" not in body
    assert "{service}" in body
    assert proposal.scenario.goal == "{service} {version} 카나리 배포"


def test_the_proposal_plans_for_another_service_and_passes_the_checker() -> None:
    scenario = read(write(learn(finished(), now=NOW).scenario)).scenarios[0]
    given = {p.name: p.default for p in scenario.parameters}
    values = {"service": "orders", "version": "v9", "namespace": "shop", "registry": "r.test"}
    parameters = {name: values[name] for name in given}
    made = planned(Goal(text="orders v9", parameters=parameters), [Match(scenario=scenario, score=1, why=())])
    assert check(made, WORLD) == []
    assert "payments" not in made.model_dump_json()
    assert [s.operation for s in made.steps] == [s.operation for s in finished().plan.steps]


def test_evidence_and_outcomes_are_attached_and_nobody_has_reviewed_it() -> None:
    proposal = learn(finished(), now=NOW)
    assert proposal.evidence[0] == "run r1"
    assert proposal.evidence[1].startswith("plan sha256:")
    assert (proposal.outcomes.tried, proposal.outcomes.succeeded) == (1, 1)
    assert proposal.scenario.provenance.run_id == "r1"
    assert proposal.scenario.provenance.reviewed_by is None
    shelf = Shelf.of([Entry(proposal.scenario)])
    assert recall_for(Ask(goal="카나리 배포", mode="autonomous"), shelf=shelf) == []
    assert len(recall_for(Ask(goal="카나리 배포"), shelf=shelf)) == 1


@pytest.mark.parametrize("state", ["failed", "rolled_back", "partial_undo", "running", "paused"])
def test_a_run_that_did_not_reach_its_goal_is_no_example(state: str) -> None:
    with pytest.raises(InputError, match="only a run that is done"):
        learn(finished(state), now=NOW)
