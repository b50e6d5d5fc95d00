"""The gate as a whole: order, closed set, policy, approvals, journal, settling, kill switch, budget."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import get_args

import pytest
from tests.unit.gate.bench import EVE, KIM, MIN, RUN, bench, call

from steersman.domain.environment import Principal
from steersman.domain.errors import (
    ApprovalNeededError,
    ApprovalRefusedError,
    BudgetExceededError,
    DriftError,
    EnvironmentMismatchError,
    InputError,
    OutcomeUnknownError,
    PolicyDeniedError,
    StoppedError,
    ToolError,
    UnavailableError,
)
from steersman.domain.event import CallIntended, CallSettled, Decided, ReadMade, Refused
from steersman.domain.ids import OperationName, PrincipalId, RunId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Budget, Retry
from steersman.domain.policy import Route
from steersman.gate.gate import ORDER
from steersman.gate.passage import Guarded
from steersman.policy.engine import load
from steersman.testing.plans import ENVIRONMENT, make

PLAN = make("chain", size=3)
FIRST = next(step for step in PLAN.steps if step.operation != "shelf.get")


def of(step, grant, **more):
    return call(step.operation, grant, step=step.id, arguments=step.arguments, version=step.version, **more)


def links(link: object) -> Iterator[str]:
    while link is not None:
        kind = type(link).__name__
        yield f"{kind}:{link.name}" if isinstance(link, Guarded) else kind
        link = getattr(link, "inner", None)


async def test_the_guards_stand_in_a_fixed_order(tmp_path) -> None:
    async with bench(tmp_path) as b:
        assert tuple(links(b.gate._recorded)) == ORDER


async def test_an_approved_step_happens_once_with_intent_before_and_outcome_after(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        first = await b.gate.call(of(FIRST, grant))
        again = await b.gate.call(of(FIRST, grant))
        kinds = [e.kind for e in await b.events() if e.kind in ("call_intended", "call_settled")]
        assert kinds == ["call_intended", "call_settled"]
        assert (first.settled, again.settled, len(b.shelf.effects)) == ("answered", "earlier", 1)


async def test_a_read_is_allowed_and_leaves_a_line(tmp_path) -> None:
    async with bench(tmp_path, start={"a": 1}) as b:
        outcome = await b.gate.call(call("shelf.get", arguments={"name": "a"}))
        assert outcome.output == {"exists": True, "value": 1}
        assert [type(e) for e in await b.events()] == [ReadMade]


@pytest.mark.parametrize(
    ("operation", "arguments", "says"),
    [
        ("shelf.gte", {"name": "a"}, "did you mean 'shelf.get'"),
        ("shell.run", {"command": "rm -rf /"}, "no operation"),
        ("shelf.get", {"name": 3}, "name"),
        ("shelf.get", {}, "name"),
        ("shelf.get", {"name": {"$from": {"step": "x", "path": "/y"}}}, "references"),
    ],
)
async def test_what_is_not_registered_or_not_valid_is_refused_in_one_line(tmp_path, operation, arguments, says) -> None:
    async with bench(tmp_path) as b:
        with pytest.raises(InputError) as caught:
            await b.gate.call(call(operation, arguments=arguments))
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)


async def test_another_environment_than_was_planned_is_refused_with_both_names(tmp_path) -> None:
    other = ENVIRONMENT.model_copy(update={"uid": "shelf-2"})
    async with bench(tmp_path, start={"a": 1}) as b:
        with pytest.raises(EnvironmentMismatchError, match=r"shelf-2.*shelf-1"):
            await b.gate.call(call("shelf.get", arguments={"name": "a"}, environment=other))


async def test_a_write_outside_of_a_plan_waits_for_its_own_approval_and_uses_it_once(tmp_path) -> None:
    write = call("shelf.put", arguments={"name": "a", "value": 2})
    async with bench(tmp_path, start={"a": 1}) as b:
        with pytest.raises(ApprovalNeededError) as asked:
            await b.gate.call(write)
        await b.desk.vote(asked.value.approval_id, MIN, "approve")
        outcome = await b.gate.call(write)
        assert (outcome.before, outcome.after) == ({"exists": True, "value": 1}, {"exists": True, "value": 2})
        used = write.model_copy(update={"step_approval": asked.value.approval_id, "run_id": RunId("run-2")})
        with pytest.raises(ApprovalRefusedError):
            await b.gate.call(used)
        assert len(b.shelf.effects) == 1


async def test_arguments_edited_after_the_approval_are_refused(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        edited = of(FIRST, grant).model_copy(update={"arguments": {**FIRST.arguments, "value": 666}})
        with pytest.raises(ApprovalRefusedError, match="not those that were approved"):
            await b.gate.call(edited)
        assert not b.shelf.effects
        assert any(isinstance(e, Refused) and e.guard == "approval" for e in await b.events())


async def test_a_right_that_was_taken_away_since_counts_no_more(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN, by=KIM)
        b.people[KIM.id] = KIM.model_copy(update={"roles": frozenset()})
        with pytest.raises(ApprovalRefusedError, match="0 of 1"):
            await b.gate.call(of(FIRST, grant))


async def test_an_expired_approval_is_refused_also_when_the_clock_goes_back(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        b.clock.move(seconds=7200)
        await b.gate.call(call("shelf.get", arguments={"name": "x"}))
        b.clock.move(seconds=-7200)
        with pytest.raises(ApprovalRefusedError, match="expired"):
            await b.gate.call(of(FIRST, grant))


async def test_who_has_no_right_cannot_vote(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        with pytest.raises(ApprovalNeededError) as asked:
            await b.gate.authorise(PLAN, RUN, MIN)
        with pytest.raises(ApprovalRefusedError, match="may not approve"):
            await b.desk.vote(asked.value.approval_id, EVE, "approve")


async def test_a_rejected_plan_is_not_asked_again(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        with pytest.raises(ApprovalNeededError) as asked:
            await b.gate.authorise(PLAN, RUN, MIN)
        await b.desk.vote(asked.value.approval_id, KIM, "reject", comment="not on Friday")
        with pytest.raises(ApprovalRefusedError, match="not on Friday"):
            await b.gate.authorise(PLAN, RUN, MIN)


async def test_drift_is_refused_before_any_effect(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        with pytest.raises(DriftError):
            await b.gate.call(of(FIRST, grant, expects={"exists": True, "value": -1}))
        assert not b.shelf.effects


async def test_a_lost_answer_is_settled_by_read_back_and_not_repeated(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        b.shelf.after[FIRST.operation] = [OutcomeUnknownError("the line went dead")]
        outcome = await b.gate.call(of(FIRST, grant, retry=Retry(attempts=3)))
        assert (outcome.settled, len(b.shelf.effects)) == ("probed", 1)


async def test_a_call_without_effect_is_tried_again(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        b.shelf.before[FIRST.operation] = [UnavailableError("busy"), OutcomeUnknownError("dead")]
        outcome = await b.gate.call(of(FIRST, grant, retry=Retry(attempts=3)))
        settled = [e.result for e in await b.events() if isinstance(e, CallSettled)]
        assert settled == ["failed", "unknown", "not_happened", "done"]
        assert (outcome.attempts, len(b.shelf.effects)) == (3, 1)


async def test_a_bug_in_a_toolset_leaves_an_unknown_outcome_and_is_not_hidden(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        b.shelf.after[FIRST.operation] = [ZeroDivisionError("bug")]
        with pytest.raises(ZeroDivisionError):
            await b.gate.call(of(FIRST, grant))
        assert [e.result for e in await b.events() if isinstance(e, CallSettled)] == ["unknown"]
        settled = await b.gate.settle(RUN, FIRST.id, "do")
        assert settled is not None
        assert settled.result == "done"


async def test_what_the_tool_refuses_is_failed_and_not_repeated(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        b.shelf.before[FIRST.operation] = [ToolError("no")]
        with pytest.raises(ToolError):
            await b.gate.call(of(FIRST, grant, retry=Retry(attempts=3)))
        assert not b.shelf.effects


async def test_the_kill_switch_stops_writes_and_lets_people_look(tmp_path) -> None:
    async with bench(tmp_path, start={"a": 1}) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        await b.journal.set_level("stop", by="min")
        with pytest.raises(StoppedError):
            await b.gate.call(of(FIRST, grant))
        assert (await b.gate.call(call("shelf.get", arguments={"name": "a"}))).output


async def test_the_inverse_passes_and_nothing_else_does_under_the_name_of_undo(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        before = dict(b.shelf.values)
        await b.gate.call(of(FIRST, grant))
        name = FIRST.arguments["name"]
        undo = {"route": "undo", "direction": "undo", "step": FIRST.id}
        for hostile in (("shelf.delete", {"name": "other"}), ("shelf.put", {"name": name, "value": 999})):
            with pytest.raises(ApprovalRefusedError):
                await b.gate.call(call(hostile[0], grant, arguments=hostile[1], **undo))
        assert FIRST.inverse is not None
        inverse = {"name": name} if name not in before else {"name": name, "value": before[name]}
        b.clock.move(seconds=100_000)  # an undo does not wait for a fresh approval
        await b.gate.call(call(FIRST.inverse.operation, grant, arguments=inverse, **undo))
        assert b.shelf.values == before


async def test_what_a_plan_calls_its_inverse_is_not_done_unless_the_operation_declares_it(tmp_path) -> None:
    """Found by benchmarks/hijacked_planner.py: undo asks nobody, so a plan's own word is not enough."""
    hostile = Invocation(operation=OperationName("shelf.delete"), arguments={"name": "treasure"})
    steps = tuple(s.model_copy(update={"inverse": hostile}) if s.id == FIRST.id else s for s in PLAN.steps)
    plan = PLAN.model_copy(update={"steps": steps})
    async with bench(tmp_path, start={"treasure": 1}) as b:
        await b.planned(plan)
        grant = await b.approved(plan)
        await b.gate.call(of(FIRST, grant))
        undo = {"route": "undo", "direction": "undo", "step": FIRST.id}
        with pytest.raises(ApprovalRefusedError, match="not the inverse"):
            await b.gate.call(call("shelf.delete", grant, arguments={"name": "treasure"}, **undo))
        assert b.shelf.values["treasure"] == 1


async def test_an_agent_that_calls_itself_a_human_is_taken_for_what_configuration_knows(tmp_path) -> None:
    """Found by benchmarks/hijacked_planner.py."""
    bot = Principal(id=PrincipalId("bot"), kind="agent", roles=frozenset({"operator", "approver"}))
    async with bench(tmp_path) as b:
        b.people[bot.id] = bot
        claim = bot.model_copy(update={"kind": "human"})
        with pytest.raises(PolicyDeniedError, match="deny-agent-principal"):
            await b.gate.call(call("shelf.create", arguments={"name": "a", "value": 1}, principal=claim))


async def test_a_run_without_budget_is_refused(tmp_path) -> None:
    plan = PLAN.model_copy(update={"budget": Budget(calls=3)})
    async with bench(tmp_path) as b:
        await b.planned(plan)
        grant = await b.approved(plan)
        await b.gate.call(of(plan.steps[0], grant))
        with pytest.raises(BudgetExceededError):
            await b.gate.call(of(plan.steps[1], grant))


async def test_a_policy_that_changed_since_wants_its_own_approval(tmp_path) -> None:
    stricter = {"id": "two", "effect": "require_approval", "when": 'effect == "write"', "reason": "x"}
    stricter["approvals"] = {"count": 2, "roles": ["approver"], "not_requester": False}
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
    async with bench(tmp_path, rules=load(("op.yaml", {"rules": [stricter]}))) as b:
        with pytest.raises(ApprovalRefusedError, match="1 of 2"):
            await b.gate.call(of(FIRST, grant))


@pytest.mark.parametrize("guard", ["environment", "policy", "approval", "budget"])
async def test_an_error_inside_a_guard_is_a_denial(tmp_path, guard) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        link = b.gate._recorded.inner.inner
        while not (isinstance(link, Guarded) and link.name == guard):
            link = link.inner

        async def broken(_passage):
            raise KeyError(guard)

        object.__setattr__(link, "check", broken)
        with pytest.raises(PolicyDeniedError, match=guard):
            await b.gate.call(of(FIRST, grant))
        assert not b.shelf.effects
        assert any(isinstance(e, Refused) and e.guard == guard for e in await b.events())


SOME = {"name": "a", "value": 1, "items": []}
"""Valid arguments by name. Another toolset in the bench is one more entry here, if it has other arguments."""


async def test_every_operation_by_every_route_passes_the_gate(tmp_path) -> None:
    async with bench(tmp_path, mode="read-only", start={"a": 1}) as b:
        where = {each.name: await each.environment() for each in (b.shelf, b.store)}
        assert {operation.toolset for operation in b.gate.catalogue.values()} == set(where)
        for name, operation in b.gate.catalogue.items():
            arguments = {key: SOME[key] for key in operation.input_schema["properties"]}
            for route in get_args(Route):
                run = RunId(f"{name}-{route}")
                direction = "undo" if route == "undo" else "do"
                made = call(name, arguments=arguments, route=route, run_id=run, direction=direction)
                made = made.model_copy(update={"environment": where[operation.toolset]})
                if operation.effect == "read":
                    await b.gate.call(made)
                else:
                    with pytest.raises(PolicyDeniedError):
                        await b.gate.call(made)
                kinds = {type(e) for e in await b.events(run)}
                assert kinds & ({ReadMade, CallSettled} if operation.effect == "read" else {Decided})
        assert not b.shelf.effects
        assert not b.store.effects


async def test_decisions_about_writes_are_journaled(tmp_path) -> None:
    async with bench(tmp_path) as b:
        await b.planned(PLAN)
        grant = await b.approved(PLAN)
        await b.gate.call(of(FIRST, grant))
        events = await b.events()
        assert any(isinstance(e, Decided) and e.decision.rule for e in events)
        intent = next(e for e in events if isinstance(e, CallIntended))
        assert intent.approval_id == grant.approval_id
        assert intent.deadline > datetime(2026, 1, 1, tzinfo=UTC)
        assert intent.operation == OperationName(FIRST.operation)
