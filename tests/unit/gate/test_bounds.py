"""What a call may be at all: admission, identity, binding to the plan, budget."""

import asyncio

import pytest
from tests.unit.gate.bench import KIM, MIN, RUN, STORE, backward, bench, call, forward, step, store_plan

from steersman.domain.environment import Environment
from steersman.domain.errors import (
    ApprovalNeededError,
    ApprovalRefusedError,
    BudgetExceededError,
    ConfigError,
    EnvironmentMismatchError,
    InputError,
    PolicyDeniedError,
    UnavailableError,
)
from steersman.domain.event import Refused, RunMoved, RunPlanned
from steersman.domain.finding import Cost
from steersman.domain.ids import OperationName, RunId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Budget
from steersman.domain.ports import Binding
from steersman.gate.admission import IDENTITY_KEPT_S, Registry
from steersman.policy.engine import load
from steersman.testing.toolset import Store, Twist

SET = step("s", "set", {"name": "a", "items": ["new"]})
LOOK = step("g", "get", {"name": "a"})
BACK = {"name": "a", "items": ["old"]}


def look(**more):
    return call("store.get", arguments={"name": "a"}, environment=STORE, **more)


@pytest.mark.parametrize("target", ["", ".", "..", "x/../backup", "a//b", "a\\b", "a%2e%2e", "a\x00", "a/"])
async def test_a_target_that_is_spelled_oddly_is_refused(target):
    class Loose(Store):
        def bindings(self):
            schema = {"type": "object"}
            return [Binding(b.operation.model_copy(update={"input_schema": schema}), b.run) for b in super().bindings()]

    with pytest.raises(InputError, match="target"):
        Registry.of((Loose(),)).admit(look().model_copy(update={"arguments": {"name": target}}))


def test_a_probe_must_be_a_registered_read():
    class Wrong(Store):
        def bindings(self):
            probe = Invocation(operation=OperationName("store.append"))
            return [Binding(b.operation.model_copy(update={"probe": probe}), b.run) for b in super().bindings()]

    with pytest.raises(ConfigError, match="probe"):
        Registry.of((Wrong(),))


def test_two_toolsets_cannot_have_the_same_operation():
    with pytest.raises(ConfigError, match="twice"):
        Registry.of((Store(), Store()))


async def test_what_is_not_admitted_is_journaled_with_a_short_name(tmp_path):
    async with bench(tmp_path) as b:
        with pytest.raises(InputError):
            await b.gate.call(call("x" * 10_000, arguments={}))
        (refused,) = await b.events()
        assert isinstance(refused, Refused)
        assert (refused.guard, refused.error, len(refused.operation)) == ("registry", "InputError", 128)


async def test_arguments_that_nest_without_end_are_refused(tmp_path):
    deep: list = []
    for _ in range(50_000):
        deep = [deep]
    made = look().model_copy(update={"arguments": {"name": deep}})
    async with bench(tmp_path) as b:
        with pytest.raises((InputError, PolicyDeniedError)):
            await b.gate.call(made)
        assert not b.store.calls


@pytest.mark.parametrize(
    ("route", "direction"), [("plan", "undo"), ("undo", "do"), ("agent", "undo"), ("cli", "undo"), ("engine", "undo")]
)
async def test_no_write_takes_the_way_of_undo_but_an_undo(tmp_path, route, direction):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await b.gate.call(forward(SET, grant))
        with pytest.raises(InputError, match="direction"):
            await b.gate.call(forward(SET, grant, route=route, direction=direction))
        assert len(b.store.effects) == 1


async def test_a_write_asks_each_time_who_the_system_is_and_reads_go_by_what_was_said_lately(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await b.gate.call(forward(SET, grant))
        for _ in range(5):
            await b.gate.call(look())
        assert b.store.calls.count("environment") == 1
        b.clock.move(seconds=IDENTITY_KEPT_S)
        await b.gate.call(look())
        assert b.store.calls.count("environment") == 2


async def test_a_system_that_was_exchanged_since_the_plan_is_not_touched(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await b.gate.call(look())
        b.store.where = Environment(**{**STORE.model_dump(), "uid": "store-2"})
        with pytest.raises(EnvironmentMismatchError, match="store-2"):
            await b.gate.call(forward(SET, grant))
        assert not b.store.effects
        b.clock.move(seconds=IDENTITY_KEPT_S)
        await b.gate.call(look().model_copy(update={"environment": b.store.where}))


async def test_a_system_that_does_not_say_who_it_is_is_unavailable(tmp_path):
    async with bench(tmp_path) as b:
        b.store.twist("environment", Twist(before=UnavailableError("down")))
        with pytest.raises(UnavailableError):
            await b.gate.call(look())
        assert b.store.calls == ["environment"]


@pytest.mark.parametrize("state", ["undoing", "cancelled", "done", "failed", "rolled_back"])
async def test_a_run_that_is_over_goes_no_further(tmp_path, state):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await b.journal.append(RUN, RunMoved(state=state))
        with pytest.raises(ApprovalRefusedError, match="too late"):
            await b.gate.call(forward(SET, grant))
        assert not b.store.effects


async def test_another_version_than_was_planned_is_refused_even_when_the_caller_names_none(tmp_path):
    old = SET.model_copy(update={"version": 2})
    async with bench(tmp_path) as b:
        grant = await b.stored(old)
        with pytest.raises(ApprovalRefusedError, match="version 2"):
            await b.gate.call(forward(old, grant, version=None))


async def test_what_did_not_happen_is_not_undone(tmp_path):
    create = step("c", "create", {"name": "a", "items": ["mine"]})
    async with bench(tmp_path) as b:
        grant = await b.stored(create)
        with pytest.raises(Exception, match="cannot create"):
            await b.gate.call(forward(create, grant))
        with pytest.raises(ApprovalRefusedError, match="did not happen"):
            await b.gate.call(backward(create, grant, {"name": "a"}))
        assert b.store.state == {"a": ("old",)}


async def test_a_value_from_a_former_step_is_checked_against_its_bounds(tmp_path):
    def using(bounds):
        source = {"$from": {"step": "g", "path": "/items", "bounds": bounds}}
        return step("u", "set", {"name": "b", "items": source}, needs=("g",))

    good = {"type": "array", "items": {"enum": ["old"]}}
    fetched = {"$ref": "https://example.invalid/schema"}
    for bounds, error in ((good, None), ({"maxItems": 0}, ApprovalNeededError), ({}, ApprovalNeededError)):
        async with bench(tmp_path / str(error)[-9:-2] / str(len(bounds))) as b:
            made = using(bounds)
            b.store.state["b"] = ()
            grant = await b.stored(LOOK, made)
            await b.gate.call(forward(LOOK, grant))
            resolved = forward(made, grant).model_copy(update={"arguments": {"name": "b", "items": ["old"]}})
            if error is None:
                await b.gate.call(resolved)
                continue
            with pytest.raises(error) as asked:
                await b.gate.call(resolved)
            await b.desk.vote(asked.value.approval_id, MIN, "approve")
            await b.gate.call(resolved)
    async with bench(tmp_path / "fetch") as b:
        made = using(fetched)
        b.store.state["b"] = ()
        grant = await b.stored(LOOK, made)
        await b.gate.call(forward(LOOK, grant))
        with pytest.raises(PolicyDeniedError, match="approval"):
            await b.gate.call(forward(made, grant).model_copy(update={"arguments": {"name": "b", "items": ["old"]}}))


async def test_calls_side_by_side_do_not_share_the_last_of_the_budget(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(LOOK, budget=Budget(calls=5))
        found = await asyncio.gather(*(b.gate.call(forward(LOOK, grant)) for _ in range(20)), return_exceptions=True)
        assert sum(isinstance(each, BudgetExceededError) for each in found) == 15
        assert b.store.calls.count("get") == 5


async def test_each_attempt_is_charged(tmp_path):
    async with bench(tmp_path) as b:
        b.store.twist("get", *(Twist(before=UnavailableError("busy")) for _ in range(9)))
        with pytest.raises(BudgetExceededError):
            await b.gate.call(look(budget=Budget(calls=4), retry={"attempts": 9, "backoff_s": 0}))
        assert b.store.calls.count("get") == 4


async def test_undo_has_a_reserve_and_its_looks_are_free(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET, budget=Budget(calls=4, undo_calls=1))
        await b.gate.call(forward(SET, grant))
        await b.gate.call(look(budget=Budget()))
        with pytest.raises(BudgetExceededError):
            await b.gate.call(look(budget=Budget()))
        await b.gate.call(backward(SET, grant, BACK))
        assert b.store.state == {"a": ("old",)}


async def test_tokens_and_money_that_are_spent_stop_the_next_call(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(LOOK, budget=Budget(tokens=100, money_usd=1))
        assert (await b.gate.charge(RUN, Cost(tokens=60))).tokens == 60
        await b.gate.call(forward(LOOK, grant))
        with pytest.raises(BudgetExceededError, match="120 tokens"):
            await b.gate.charge(RUN, Cost(tokens=60))
        with pytest.raises(BudgetExceededError, match="120 tokens"):
            await b.gate.call(forward(LOOK, grant))


async def test_a_person_who_just_looks_is_not_counted(tmp_path):
    async with bench(tmp_path) as b:
        for _ in range(3):
            await b.gate.call(look())
        assert b.store.calls.count("get") == 3


async def test_an_approval_does_not_last_longer_than_its_run_was_to_take(tmp_path):
    second = step("t", "set", {"name": "b", "items": ["x"]})
    async with bench(tmp_path) as b:
        b.store.state["b"] = ()
        grant = await b.stored(SET, second, budget=Budget(seconds=7_200.0))
        await b.gate.call(forward(SET, grant))
        b.clock.move(seconds=7_000)
        await b.gate.call(look())
        assert (await b.journal.approval(grant.approval_id)).state == "claimed"
        b.clock.move(seconds=300)
        with pytest.raises(ApprovalRefusedError, match="longer than the 7200 s"):
            await b.gate.call(forward(second, grant))
        await b.gate.call(backward(SET, grant, BACK))


async def test_a_read_for_which_the_policy_wants_approval_waits_for_it(tmp_path):
    rule = {"id": "look", "effect": "require_approval", "when": 'operation == "store.get" && route != "engine"'}
    rule |= {"reason": "private", "approvals": {"count": 1, "roles": ["approver"], "not_requester": False}}
    async with bench(tmp_path, rules=load(("op.yaml", {"rules": [rule]}))) as b:
        with pytest.raises(ApprovalNeededError) as asked:
            await b.gate.call(look())
        await b.desk.vote(asked.value.approval_id, KIM, "approve")
        assert (await b.gate.call(look())).output
        assert b.store.calls.count("get") == 1


async def test_a_rejected_call_is_not_asked_again_and_an_expired_one_is(tmp_path):
    write = call("store.set", arguments=SET.arguments, environment=STORE)
    async with bench(tmp_path) as b:
        with pytest.raises(ApprovalNeededError) as first:
            await b.gate.call(write)
        b.clock.move(seconds=7_200)
        with pytest.raises(ApprovalNeededError) as second:
            await b.gate.call(write)
        assert first.value.approval_id != second.value.approval_id
        await b.desk.vote(second.value.approval_id, KIM, "reject")
        for _ in range(2):
            with pytest.raises(ApprovalRefusedError, match="rejected"):
                await b.gate.call(write)


async def test_an_approval_serves_only_whoever_asked_for_it(tmp_path):
    write = call("store.set", arguments=SET.arguments, environment=STORE)
    other = MIN.model_copy(update={"id": "local:other"})
    async with bench(tmp_path) as b:
        b.people[other.id] = other
        with pytest.raises(ApprovalNeededError) as asked:
            await b.gate.call(write)
        await b.desk.vote(asked.value.approval_id, KIM, "approve")
        with pytest.raises(ApprovalRefusedError, match="asked for by"):
            await b.gate.call(write.model_copy(update={"principal": other}))


async def test_an_approval_is_of_the_state_that_the_call_expects_too(tmp_path):
    write = call("store.set", arguments=SET.arguments, environment=STORE, expects={"exists": True, "items": ["old"]})
    async with bench(tmp_path) as b:
        with pytest.raises(ApprovalNeededError) as asked:
            await b.gate.call(write)
        await b.desk.vote(asked.value.approval_id, KIM, "approve")
        with pytest.raises(ApprovalRefusedError, match="something else"):
            await b.gate.call(write.model_copy(update={"expects": None, "step_approval": asked.value.approval_id}))


async def test_a_plan_other_than_the_journaled_one_or_by_somebody_else_is_not_authorised(tmp_path):
    async with bench(tmp_path) as b:
        plan = store_plan(SET)
        await b.journal.append(RUN, RunPlanned(plan=plan, requester=MIN))
        with pytest.raises(ApprovalRefusedError, match="another plan"):
            await b.gate.authorise(store_plan(SET, LOOK), RUN, MIN)
        with pytest.raises(ApprovalRefusedError, match="asked for by"):
            await b.gate.authorise(plan, RUN, KIM)
        assert [e.guard for e in await b.events() if isinstance(e, Refused)] == ["authority", "authority"]


async def test_an_error_while_a_plan_is_authorised_is_a_denial(tmp_path):
    class Broken:
        digest = load().digest

        def __getattr__(self, name):
            raise KeyError(name)

    async with bench(tmp_path, rules=Broken()) as b:
        with pytest.raises(PolicyDeniedError, match="authority"):
            await b.gate.authorise(store_plan(SET), RunId("r"), MIN)
        assert [type(e) for e in await b.events(RunId("r"))] == [Refused]
