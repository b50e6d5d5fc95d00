"""A critic is asked before changes, and can only make decisions stricter; when it fails a person is asked."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gate.bench import MIN, POLICY, STORE, Store, backward, bench, call, forward, step, store_plan

from steersman.domain.errors import ApprovalNeededError, BudgetExceededError, PolicyDeniedError, UnavailableError
from steersman.domain.event import Decided
from steersman.domain.ids import RunId
from steersman.domain.policy import Opinion, PolicyDecision, PolicyRequest, Requirement
from steersman.gate.critic import Second, joined
from steersman.gate.redaction import Redactor
from steersman.policy.lattice import is_at_least

WRITE = call("store.set", arguments={"name": "a", "items": ["new"]}, environment=STORE)
READ = call("store.get", arguments={"name": "a"}, environment=STORE)
ROLES = st.frozensets(st.sampled_from(["approver", "admin", "owner"]), min_size=1)
DECISIONS = st.builds(
    PolicyDecision,
    effect=st.sampled_from(["allow", "require_approval", "deny"]),
    rule=st.just("r"),
    reason=st.just("because"),
    requirement=st.none() | st.builds(Requirement, count=st.integers(1, 3), roles=ROLES, not_requester=st.booleans()),
    policy_digest=st.just(POLICY.digest),
)


class Critic:
    """Says one thing, or fails; remembers what it was told."""

    def __init__(self, said: str | Exception | float) -> None:
        self.said = said
        self.told: list[dict] = []

    async def __call__(self, about: dict, run_id: RunId) -> Opinion:
        self.told.append(about)
        if isinstance(self.said, Exception):
            raise self.said
        if isinstance(self.said, float):
            await asyncio.sleep(self.said)
        return Opinion(word=self.said if isinstance(self.said, str) else "same", reason="allow it, I insist")


@given(DECISIONS, st.sampled_from(["same", "require_approval", "deny"]), st.booleans())
def test_no_word_of_a_critic_lets_through_what_the_rules_stop(decision, word, failed):
    after = joined(decision, word, failed=failed)
    assert is_at_least(after, decision)
    assert after.effect != "allow" or decision.effect == "allow"


@given(
    DECISIONS, st.sampled_from(["same", "require_approval", "deny", UnavailableError("x"), BudgetExceededError("x")])
)
def test_whatever_a_critic_does_the_decision_is_the_same_or_stricter(decision, said):
    request = PolicyRequest.model_construct(operation="store.set", environment=STORE)
    critic = Critic(said)
    second = Second(critic)
    asked = second.of_call(request, {}, decision, subject=POLICY.digest, run_id=RunId("r"))
    after = asyncio.run(asked)
    assert is_at_least(after, decision)
    assert decision.effect != "deny" or critic.told == []
    assert not isinstance(said, Exception) or after.effect != "allow"


async def test_a_critic_that_does_not_answer_in_time_wants_a_person():
    decision = PolicyDecision(effect="allow", rule="r", reason="x", policy_digest=POLICY.digest)
    request = PolicyRequest.model_construct(operation="store.set", environment=STORE)
    second = Second(Critic(30.0), longest_s=0.01)
    after = await second.of_call(request, {}, decision, subject=POLICY.digest, run_id=RunId("r"))
    assert (after.effect, after.rule) == ("require_approval", "critic")


SET = step("a", "set", {"name": "a", "items": ["new"]})


async def test_without_a_critic_the_rules_alone_decide(tmp_path):
    async with bench(tmp_path, mode="autonomous") as b:
        await b.gate.call(forward(SET, await b.stored(SET)))
        assert b.store.state["a"] == ("new",)


@pytest.mark.parametrize("said", ["same", "require_approval", UnavailableError("away")])
async def test_a_call_that_needs_a_person_needs_one_whatever_a_critic_says(tmp_path, said):
    critic = Critic(said)
    async with bench(tmp_path, critic=critic) as b:
        for _ in range(2):
            with pytest.raises(ApprovalNeededError) as needed:
                await b.gate.call(WRITE)
        await b.desk.vote(needed.value.approval_id, MIN, "approve")
        await b.gate.call(WRITE)
        assert b.store.state["a"] == ("new",)
        (told,) = critic.told
        assert (told["operation"], told["arguments"]) == ("store.set", {"name": "a", "items": ["new"]})


async def test_what_a_critic_denies_is_not_done_and_its_words_are_not_journaled(tmp_path):
    async with bench(tmp_path, critic=Critic("deny")) as b:
        with pytest.raises(PolicyDeniedError, match="second opinion"):
            await b.gate.call(WRITE)
        assert b.store.state["a"] == ("old",)
        assert [e.decision.rule for e in await b.events() if isinstance(e, Decided)] == ["critic"]
        assert "I insist" not in str(await b.events())


@pytest.mark.parametrize("said", ["require_approval", UnavailableError("away"), BudgetExceededError("spent")])
async def test_where_a_critic_doubts_or_fails_a_person_decides_on_a_plan_that_the_rules_allow(tmp_path, said):
    plan = store_plan(SET)
    async with bench(tmp_path, mode="autonomous", critic=Critic(said)) as b:
        await b.planned(plan)
        with pytest.raises(ApprovalNeededError) as needed:
            await b.gate.authorise(plan, RunId("run-1"), MIN)
        await b.desk.vote(needed.value.approval_id, MIN, "approve")
        await b.gate.call(forward(SET, await b.gate.authorise(plan, RunId("run-1"), MIN)))
        assert b.store.state["a"] == ("new",)


async def test_a_bug_in_a_critic_is_a_denial(tmp_path):
    async with bench(tmp_path, critic=Critic(ZeroDivisionError())) as b:
        with pytest.raises(PolicyDeniedError):
            await b.gate.call(WRITE)
        assert b.store.state["a"] == ("old",)


async def test_reads_are_not_put_to_it(tmp_path):
    critic = Critic("deny")
    async with bench(tmp_path, critic=critic) as b:
        await b.gate.call(READ)
        assert critic.told == []


async def test_a_plan_is_put_to_it_whole_and_once(tmp_path):
    critic = Critic("same")
    async with bench(tmp_path, mode="autonomous", critic=critic) as b:
        grant = await b.stored(SET)
        assert grant.approval_id is None
        await b.gate.call(forward(SET, grant))
        (told,) = critic.told
        assert told["steps"] == [{"operation": "store.set", "arguments": {"name": "a", "items": ["new"]}}]


async def test_a_plan_that_it_doubts_is_approved_by_a_person_and_undone_without_it(tmp_path):
    critic = Critic("require_approval")
    async with bench(tmp_path, mode="autonomous", critic=critic) as b:
        grant = await b.stored(SET)
        assert grant.approval_id is not None
        await b.gate.call(forward(SET, grant))
        critic.said = "deny"
        await b.gate.call(backward(SET, grant, {"name": "a", "items": ["old"]}))
        assert b.store.state["a"] == ("old",)
        assert len(critic.told) == 1


async def test_a_grant_that_somebody_made_up_does_not_get_past_it(tmp_path):
    async with bench(tmp_path, mode="autonomous", critic=Critic("require_approval")) as b:
        grant = await b.stored(SET)
        with pytest.raises(Exception, match="granted without one"):
            await b.gate.call(forward(SET, grant.model_copy(update={"approval_id": None})))
        assert b.store.state["a"] == ("old",)


async def test_a_plan_that_it_denies_is_not_granted(tmp_path):
    plan = store_plan(SET)
    async with bench(tmp_path, critic=Critic("deny")) as b:
        await b.planned(plan)
        with pytest.raises(PolicyDeniedError, match="second opinion"):
            await b.gate.authorise(plan, RunId("run-1"), MIN)


async def test_it_sees_no_declared_secret_in_a_call_or_a_plan():
    declared = next(b.operation for b in Store().bindings() if b.operation.name == "store.set")
    secret = declared.model_copy(update={"secret_arguments": frozenset({"items"})})
    redactor, critic = Redactor(), Critic("same")
    second = Second(critic, lambda _, arguments: redactor.arguments(secret, arguments))
    allowed = PolicyDecision(effect="allow", rule="r", reason="x", policy_digest=POLICY.digest)
    request = PolicyRequest.model_construct(operation="store.set", environment=STORE)
    arguments = {"name": "a", "items": ["hunter22"]}
    await second.of_call(request, arguments, allowed, subject=POLICY.digest, run_id=RunId("r"))
    await second.of_plan(store_plan(step("a", "set", arguments)), RunId("r"), allowed)
    assert len(critic.told) == 2
    assert "hunter22" not in str(critic.told)


def test_where_nobody_knows_what_is_secret_it_is_told_names_alone():
    asked = Second(critic := Critic("same")).of_plan(
        store_plan(SET),
        RunId("r"),
        PolicyDecision(effect="allow", rule="r", reason="x", policy_digest=POLICY.digest),
    )
    asyncio.run(asked)
    assert critic.told[0]["steps"] == [
        {"operation": "store.set", "arguments": {"name": "not shown", "items": "not shown"}}
    ]
