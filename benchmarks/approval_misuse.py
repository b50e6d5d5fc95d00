"""Sixteen ways to misuse an approval, less the one that needs many processes. Each try is to be refused.

A try presents an approval, or a resume, that would let an effect happen. It gives back the runs that it touched.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from approval_bench import EVE, KIM, LEE, MIN, RULES, Bench, call, demanding, fresh_run, person, write
from steersman.domain.approval import Vote
from steersman.domain.call import Call
from steersman.domain.errors import ApprovalNeededError, ConcurrencyError, GuardrailError, InputError
from steersman.domain.event import RunMoved, RunPlanned
from steersman.domain.ids import ApprovalId, PrincipalId, RunId, StepId
from steersman.gate.desk import Callbacks
from steersman.journal.approvals import sign
from steersman.journal.keyring import Keyring
from steersman.policy.engine import Policy

Refusals = (GuardrailError, InputError, ConcurrencyError)
SECRET = b"the chat's signing secret"


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of misuse."""

    id: str
    what: str
    misuse: Callable[[Bench, int], Awaitable[tuple[RunId, ...]]]
    rules: Policy = RULES
    effects: int = 0
    """Effects of the proper use that comes before the misuse."""


async def refused(attempt: Awaitable[object]) -> None:
    """Awaits what must be refused. What is not leaves its effect, which is counted elsewhere."""
    try:
        await attempt
    except Refusals:
        return


async def wrong_signature(b: Bench, n: int) -> tuple[RunId, ...]:
    """Bit flips, another key, none, another algorithm, and a vote written straight into the database."""
    run, step = fresh_run(), write("a", ["new"])
    plan = b.plan(step)
    approval_id = await b.asked(plan, run)
    request = (await b.journal.approval(approval_id)).request
    good = sign(b.keyring, request, approver=KIM, answer="approve", at=b.clock.now())
    flipped = format(int(good.signature[n % 64], 16) ^ (1 << n % 3), "x")
    other = sign(Keyring.generate(), request, approver=KIM, answer="approve", at=b.clock.now())
    forged = (
        good.model_copy(update={"signature": good.signature[: n % 64] + flipped + good.signature[n % 64 + 1 :]}),
        other.model_copy(update={"key_id": good.key_id}),
        good.model_copy(update={"signature": ""}),
        good.model_copy(update={"signature": "none", "key_id": "none"}),
        good.model_copy(update={"approver": LEE}),
        good.model_copy(update={"signature": hashlib.sha256(good.model_dump_json().encode()).hexdigest()}),
    )[n % 6]
    await refused(b.journal.vote(forged))
    if n % 4 == 3:
        _into_the_database(b, approval_id, forged)
    await refused(b.gate.call(call(step, run, b.forged(plan, run, approval_id))))
    return (run,)


def _into_the_database(b: Bench, approval_id: ApprovalId, forged: Vote) -> None:
    with sqlite3.connect(b.path) as connection:
        connection.execute("INSERT INTO votes VALUES (?, ?, ?)", (approval_id, 10**9, forged.model_dump_json()))
    connection.close()


async def another_digest(b: Bench, n: int) -> tuple[RunId, ...]:
    """The approval of another plan, another step, other arguments."""
    run, other = fresh_run(), fresh_run()
    mine, theirs = write("a", [f"mine {n}"]), write("a", [f"theirs {n}"])
    plan = b.plan(mine)
    good = await b.approved(b.plan(theirs), other)
    await b.journal.append(run, RunPlanned(plan=plan, requester=MIN))
    grants = (
        b.forged(plan, run, good.approval_id),
        b.forged(plan, other, good.approval_id),
        good,
        b.forged(b.plan(theirs), run, good.approval_id),
    )
    await refused(b.gate.call(call(mine, run, grants[n % 4])))
    await refused(b.gate.call(call(mine, other, good)))
    return run, other


async def expired(b: Bench, n: int) -> tuple[RunId, ...]:
    """After its time; in every second try the clock is moved back first."""
    run, step = fresh_run(), write("a", ["new"])
    grant = await b.approved(b.plan(step), run)
    b.clock.move(seconds=3_600 + n)
    if n % 2:
        await b.journal.append(fresh_run(), RunMoved(state="running"))
        b.clock.move(seconds=-3_700 - n)
    await refused(b.gate.call(call(step, run, grant)))
    b.clock.move(seconds=8_000)
    return (run,)


async def second_use(b: Bench, n: int) -> tuple[RunId, ...]:
    """A step's approval that was used, for another step and run, and for the same again."""
    run, other, step = fresh_run(), fresh_run(), write("a", [f"new {n}"])
    direct = call(step, run, None)
    approval_id = await _asked_for(b, direct)
    await b.desk.vote(approval_id, KIM, "approve")
    await b.gate.call(direct)
    b.store.state["a"] = ("old",)
    used = {"step_approval": approval_id}
    again = ({**used, "run_id": other}, {**used, "step_id": StepId("t")}, used, {**used, "direction": "undo"})[n % 4]
    await refused(b.gated().call(direct.model_copy(update=again)))
    return run, other


async def _asked_for(b: Bench, direct: Call) -> ApprovalId:
    try:
        await b.gate.call(direct)
    except ApprovalNeededError as e:
        return ApprovalId(e.approval_id)
    raise AssertionError("the call needed no approval")


async def without_the_right(b: Bench, n: int) -> tuple[RunId, ...]:
    """A viewer, a stranger, and votes that bring roles along, properly signed."""
    run, step = fresh_run(), write("a", ["new"])
    plan = b.plan(step)
    approval_id = await b.asked(plan, run)
    who = (EVE, person("local:nobody", "approver"), EVE.model_copy(update={"roles": frozenset({"approver"})}))[n % 3]
    await refused(b.desk.vote(approval_id, who, "approve"))
    request = (await b.journal.approval(approval_id)).request
    await refused(b.journal.vote(sign(b.keyring, request, approver=who, answer="approve", at=b.clock.now())))
    await refused(b.gate.call(call(step, run, b.forged(plan, run, approval_id))))
    return (run,)


async def of_oneself(b: Bench, n: int) -> tuple[RunId, ...]:
    """Whoever asked approves, where another has to; at the desk, and by a vote of their own making."""
    run, step = fresh_run(), write("a", ["new"])
    plan = b.plan(step)
    approval_id = await b.asked(plan, run)
    await refused(b.desk.vote(approval_id, MIN, "approve"))
    if n % 2:
        request = (await b.journal.approval(approval_id)).request
        await refused(b.journal.vote(sign(b.keyring, request, approver=MIN, answer="approve", at=b.clock.now())))
    await refused(b.gate.call(call(step, run, b.forged(plan, run, approval_id))))
    return (run,)


async def right_revoked(b: Bench, n: int) -> tuple[RunId, ...]:
    """The approver loses the role, or is gone, between decision and execution."""
    run, step = fresh_run(), write("a", ["new"])
    grant = await b.approved(b.plan(step), run)
    if n % 2:
        del b.people[KIM.id]
    else:
        b.people[KIM.id] = KIM.model_copy(update={"roles": frozenset({"viewer"})})
    await refused(b.gate.call(call(step, run, grant)))
    b.people[KIM.id] = KIM
    return (run,)


async def edited_after(b: Bench, n: int) -> tuple[RunId, ...]:
    """Arguments, operation, target, version, environment edited once the card was shown."""
    run, step = fresh_run(), write("a", ["new"])
    plan = b.plan(step)
    grant = await b.approved(plan, run)
    good = call(step, run, grant)
    edits: tuple[Mapping[str, object], ...] = (
        {"arguments": {**step.arguments, "items": [f"evil {n}"]}},
        {"arguments": {**step.arguments, "name": "b"}},
        {"operation": "store.append"},
        {"operation": "store.delete", "arguments": {"name": "a"}},
        {"version": 2},
        {"environment": good.environment.model_copy(update={"tier": "prod"})},
        {"step_id": StepId("other")},
    )
    await refused(b.gate.call(good.model_copy(update=edits[n % len(edits)])))
    altered = plan.model_copy(update={"steps": (write("a", [f"evil {n}"]),)})
    await refused(b.gate.authorise(altered, run, MIN))
    await refused(b.gate.call(call(altered.steps[0], run, b.forged(altered, run, grant.approval_id))))
    return (run,)


async def planned_again(b: Bench, n: int) -> tuple[RunId, ...]:
    """The same goal planned anew after the approval: in the same run, and in another one."""
    run, other = fresh_run(), fresh_run()
    step = write("a", ["new"])
    grant = await b.approved(b.plan(step), run)
    b.clock.move(seconds=1)
    again = b.plan(step)
    await refused(b.journal.append(run, RunPlanned(plan=again, requester=MIN)))
    await refused(b.gate.authorise(again, run, MIN))
    target = run if n % 2 else other
    if target == other:
        await b.journal.append(other, RunPlanned(plan=again, requester=MIN))
    await refused(b.gate.call(call(step, target, b.forged(again, target, grant.approval_id))))
    return run, other


STRICTER = (demanding(2, others=False), demanding(1, others=True))


async def policy_changed(b: Bench, n: int) -> tuple[RunId, ...]:
    """Rules that want more were loaded between approval and execution."""
    run, step = fresh_run(), write("a", ["new"])
    by = KIM if n % 2 == 0 else MIN
    grant = await b.approved(b.plan(step), run, by)
    await refused(b.gated(STRICTER[n % 2]).call(call(step, run, grant)))
    return (run,)


async def partly_given(b: Bench, n: int) -> tuple[RunId, ...]:
    """One or two of three, the same person twice, and a plan of which only one step was approved."""
    run, first, second = fresh_run(), write("a", ["new"]), write("b", ["x"], step="t")
    plan = b.plan(first, second)
    approval_id = await b.asked(plan, run)
    for who in ((KIM,), (KIM, LEE), (KIM, KIM, KIM), ())[n % 4]:
        await b.desk.vote(approval_id, who, "approve")
    for step in (first, second):
        await refused(b.gate.call(call(step, run, b.forged(plan, run, approval_id))))
        await refused(b.gate.call(call(step, run, b.forged(plan, run, None))))
    return (run,)


async def stale_callback(b: Bench, n: int) -> tuple[RunId, ...]:
    """A genuine callback, but old, of the future, or shown twice."""
    run, step = fresh_run(), write("a", ["new"])
    plan = b.plan(step)
    approval_id = await b.asked(plan, run)
    verifier = Callbacks(SECRET, {"U1": PrincipalId(KIM.id)}, b.clock)
    if n % 3 == 0:  # the first one was for something else: only its second showing is the misuse
        body = _body("U1", await b.asked(b.plan(write("a", ["x"])), fresh_run()))
        verifier.verify(**_signed(b, body, 0))
        await _answer(b, verifier, _signed(b, body, 0))
    else:
        off = 301 + n if n % 3 == 1 else -301 - n
        await _answer(b, verifier, _signed(b, _body("U1", approval_id), off))
    await refused(b.gate.call(call(step, run, b.forged(plan, run, approval_id))))
    return (run,)


async def unlisted_callback(b: Bench, n: int) -> tuple[RunId, ...]:
    """Properly signed by the chat system, by somebody who is not on the list, or is written differently."""
    run, step = fresh_run(), write("a", ["new"])
    plan = b.plan(step)
    approval_id = await b.asked(plan, run)
    verifier = Callbacks(SECRET, {"U1": PrincipalId(KIM.id)}, b.clock)
    user = ("U2", "u1", "U1 ", "", KIM.id)[n % 5]
    await _answer(b, verifier, _signed(b, _body(user, approval_id), 0))
    await refused(b.gate.call(call(step, run, b.forged(plan, run, approval_id))))
    return (run,)


def _body(user: str, approval_id: str) -> bytes:
    return json.dumps({"user": user, "approval_id": approval_id, "answer": "approve"}).encode()


def _signed(b: Bench, body: bytes, age_s: int) -> dict[str, object]:
    at = int(b.clock.now().timestamp()) - age_s
    mac = hmac.new(SECRET, f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {"timestamp": str(at), "body": body, "signature": f"v0={mac}"}


async def _answer(b: Bench, verifier: Callbacks, shown: dict[str, object]) -> None:
    """What a server does with a callback: verify it, then vote in the name of whoever it is by."""

    async def voted() -> None:
        who, answer = verifier.verify(**shown)  # type: ignore[arg-type]
        await b.desk.vote(answer.approval_id, b.people[who], answer.answer)

    await refused(voted())


async def guessed(b: Bench, n: int) -> tuple[RunId, ...]:
    """Ids that are random, counted up, near a real one, or made to confuse the database."""
    run, step = fresh_run(), write("a", ["new"])
    plan = b.plan(step)
    real = await b.asked(plan, run)
    last = format(int(real[-1], 16) ^ 1, "x")
    guesses = (f"ap-{secrets.token_hex(16)}", f"ap-{n:032x}", real[:-1] + last, "' OR 1=1 --", "", real[:-1], "%")
    guess = ApprovalId(guesses[n % len(guesses)])
    await refused(b.desk.vote(guess, KIM, "approve"))
    await refused(b.gate.call(call(step, run, b.forged(plan, run, guess))))
    await refused(b.gate.call(call(step, run, None, step_approval=guess)))
    return (run,)


async def time_travel(b: Bench, n: int) -> tuple[RunId, ...]:
    """The run is resumed from where it stood before its approval was used, in another process, after it was."""
    run, other, step = fresh_run(), fresh_run(), write("a", [f"new {n}"])
    plan = b.plan(step)
    grant = await b.approved(plan, run)
    old = call(step, run, grant)
    await b.gate.call(old)
    ends = ("done", "rolled_back", "cancelled", "running")
    await b.journal.append(run, RunMoved(state=ends[n % 4]))  # type: ignore[arg-type]
    b.store.state["a"] = ("old",)
    await refused(b.gated().call(old))
    await refused(b.gated().call(old.model_copy(update={"run_id": other})))
    await refused(b.gated().call(old.model_copy(update={"grant": b.forged(plan, other, grant.approval_id)})))
    return run, other


KINDS = (
    Kind("a", "wrong signature", wrong_signature),
    Kind("b", "of another digest", another_digest),
    Kind("c", "expired, also with the clock moved back", expired),
    Kind("d", "used a second time", second_use, effects=1),
    Kind("e", "by somebody without the right", without_the_right),
    Kind("f", "of oneself, where another has to", of_oneself, rules=demanding(1, others=True)),
    Kind("g", "right revoked since", right_revoked),
    Kind("h", "edited after the card was shown", edited_after),
    Kind("i", "planned again since", planned_again),
    Kind("j", "policy wants more since", policy_changed),
    Kind("k", "some of several given", partly_given, rules=demanding(3, others=False)),
    Kind("l", "stale or replayed callback", stale_callback),
    Kind("m", "callback by somebody not listed", unlisted_callback),
    Kind("n", "guessed id", guessed),
    Kind("p", "older checkpoint after use", time_travel, effects=1),
)
