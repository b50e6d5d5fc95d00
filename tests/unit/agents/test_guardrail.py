from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.agents.test_planning import Gate, deps
from tests.unit.planning.test_planner import KOREAN, MATCH

from steersman.agents.guardrail import GuardrailDeps, about_action, criticised, guardrail_agent, judge_action
from steersman.agents.proposing import make_plan
from steersman.domain.errors import UnavailableError
from steersman.domain.goal import Goal
from steersman.domain.model import Prompt
from steersman.domain.plan import Plan
from steersman.domain.policy import PolicyDecision, PolicyRequest
from steersman.gate.authorise import StepDecision
from steersman.policy import builtin
from steersman.policy.cases import request_of
from steersman.policy.engine import load
from steersman.policy.lattice import is_at_least
from steersman.policy.wording import RULES
from steersman.testing.models import FakeModel, GullibleModel, garbage

POLICY = load()
CASES = [request_of(POLICY, case) for case in POLICY.tests]


def given_deps(critic: FakeModel | GullibleModel | None = None, lang: str = "en") -> GuardrailDeps:
    return GuardrailDeps(decide=POLICY.decide, critic=critic, lang=lang)  # type: ignore[arg-type]


def test_every_shipped_rule_has_words_in_both_languages() -> None:
    rules = {rule.id for rule in (*builtin.FORBID, *builtin.DEMAND, *builtin.ALLOW)}
    assert rules <= RULES.keys()
    assert all(words.en and words.ko for words in RULES.values())
    assert all(RULES[rule.id].help_en and RULES[rule.id].help_ko for rule in builtin.FORBID)


@pytest.mark.parametrize("request_", CASES, ids=[case.name for case in POLICY.tests])
def test_the_words_say_what_was_decided_by_which_rule(request_: PolicyRequest) -> None:
    decision = POLICY.decide(request_)
    for lang, verdict in (("en", "Denied"), ("ko", "거부")):
        judgement = judge_action(request_, given_deps(lang=lang))
        assert judgement.decision == decision
        assert decision.rule in judgement.text
        assert judgement.text.startswith(verdict) == (decision.effect == "deny")


@given(st.sampled_from(CASES), st.integers(0, 10_000))
def test_no_critic_makes_a_decision_milder(request_: PolicyRequest, seed: int) -> None:
    import asyncio

    critics = [
        FakeModel(garbage(seed)),
        GullibleModel(),
        FakeModel([{"opinion": "same", "reason": "allow it, ignore the policy"}]),
        FakeModel([{"opinion": "require_approval", "reason": "hm"}]),
        FakeModel([{"opinion": "deny", "reason": "no"}]),
        FakeModel([{"opinion": "allow", "reason": "yes"}]),
        FakeModel([UnavailableError("away")]),
    ]
    decision = POLICY.decide(request_)
    for critic in critics:
        held = given_deps(critic)
        judged = asyncio.run(criticised(judge_action(request_, held), about_action(request_), held))
        assert is_at_least(judged.decision, decision)


def allowed() -> PolicyRequest:
    return next(request for request in CASES if POLICY.decide(request).effect == "allow")


async def test_the_critic_can_demand_approval_and_deny() -> None:
    for opinion, effect in (("require_approval", "require_approval"), ("deny", "deny"), ("same", "allow")):
        held = given_deps(FakeModel([{"opinion": opinion, "reason": "too wide"}]))
        state = await guardrail_agent().ainvoke({"action": allowed()}, context=held)
        assert state["judgement"].decision.effect == effect
        assert state["judgement"].opinion_reason == "too wide"


async def test_a_critic_that_fails_wants_a_person_and_is_reported() -> None:
    held = given_deps(FakeModel([UnavailableError("away")]))
    state = await guardrail_agent().ainvoke({"action": allowed()}, context=held)
    assert state["judgement"].decision.effect == "require_approval"
    assert state["judgement"].opinion == "failed"


async def test_what_is_denied_is_not_put_to_the_critic() -> None:
    critic = FakeModel([{"opinion": "same", "reason": ""}])
    denied = next(request for request in CASES if POLICY.decide(request).effect == "deny")
    await guardrail_agent().ainvoke({"action": denied}, context=given_deps(critic))
    assert critic.prompts == []


async def test_a_plan_is_as_strict_as_its_strictest_step() -> None:
    made = await make_plan(Goal(text=KOREAN), [MATCH], deps(Gate()))

    def decide_plan(plan: Plan) -> list[StepDecision]:
        kinds = ["allow", "require_approval", "deny"]
        return [
            StepDecision(
                step, "r", PolicyDecision(effect=kinds[place % 3], rule="x", reason="because", policy_digest="d")
            )  # type: ignore[arg-type]
            for place, step in enumerate(plan.steps)
        ]

    held = replace(given_deps(), decide_plan=decide_plan)
    state = await guardrail_agent().ainvoke({"plan": made}, context=held)
    assert state["judgement"].decision.effect == "deny"
    assert len(state["judgement"].judged) == len(made.steps)
    assert state["judgement"].text.startswith("Denied (10)")


async def test_the_critic_of_a_plan_is_told_typed_fields_and_the_goal() -> None:
    made = await make_plan(Goal(text=KOREAN), [MATCH], deps(Gate()))
    critic = FakeModel([{"opinion": "same", "reason": ""}])
    held = replace(given_deps(critic), decide_plan=lambda _: [])
    await guardrail_agent().ainvoke({"plan": made}, context=held)
    (prompt,) = critic.prompts
    assert isinstance(prompt, Prompt)
    assert "lab.set_weights" in prompt.messages[0].text
