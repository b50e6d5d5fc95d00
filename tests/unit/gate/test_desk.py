"""Answers of people: at the desk, and out of a chat."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.gate.bench import EVE, KIM, MIN, RUN, STORE, bench, call, person

from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalNeededError, ApprovalRefusedError
from steersman.domain.event import ApprovalMoved
from steersman.gate.desk import CALLBACK_AGE_S, Callbacks
from steersman.journal.chain import SYSTEM
from steersman.policy.engine import load
from steersman.testing.clock import NOON, FakeClock

WRITE = call("store.set", arguments={"name": "a", "items": ["new"]}, environment=STORE)
OTHER = {"id": "other", "effect": "require_approval", "when": 'effect == "write"', "reason": "x"}
OTHER |= {"approvals": {"count": 2, "roles": ["approver"], "not_requester": True}}


async def asked(b):
    with pytest.raises(ApprovalNeededError) as needed:
        await b.gate.call(WRITE)
    return needed.value.approval_id


async def refusals(b, run=RUN) -> list[str]:
    return [e.comment for e in await b.events(run) if isinstance(e, ApprovalMoved) and e.what == "refused"]


@pytest.mark.parametrize(
    ("who", "says"),
    [(EVE, "may not approve"), (person("local:nobody", "approver"), "nobody that configuration knows")],
)
async def test_who_has_no_right_is_refused_and_that_is_journaled(tmp_path, who, says):
    async with bench(tmp_path) as b:
        approval = await asked(b)
        with pytest.raises(ApprovalRefusedError, match=says):
            await b.desk.vote(approval, who, "approve")
        assert [says in reason for reason in await refusals(b)] == [True]


async def test_roles_that_somebody_brings_along_do_not_count(tmp_path):
    async with bench(tmp_path) as b:
        approval = await asked(b)
        with pytest.raises(ApprovalRefusedError):
            await b.desk.vote(approval, EVE.model_copy(update={"roles": frozenset({"approver", "admin"})}), "approve")


async def test_an_agent_never_approves(tmp_path):
    agent = Principal(id="agent:x", kind="agent", roles=frozenset({"approver"}))
    async with bench(tmp_path) as b:
        b.people[agent.id] = agent
        with pytest.raises(ApprovalRefusedError):
            await b.desk.vote(await asked(b), agent, "approve")


async def test_where_others_must_approve_the_requester_does_not_count_and_one_of_two_is_not_enough(tmp_path):
    lee = person("local:lee", "approver")
    async with bench(tmp_path, rules=load(("op.yaml", {"rules": [OTHER]}))) as b:
        b.people[lee.id] = lee
        approval = await asked(b)
        with pytest.raises(ApprovalRefusedError, match="another than who asked"):
            await b.desk.vote(approval, MIN, "approve")
        await b.desk.vote(approval, KIM, "approve")
        await b.desk.vote(approval, KIM, "approve")
        with pytest.raises(ApprovalNeededError):
            await b.gate.call(WRITE)
        await b.desk.vote(approval, lee, "approve")
        await b.gate.call(WRITE)
        assert len(b.store.effects) == 1


async def test_a_guessed_id_is_refused_and_journaled(tmp_path):
    async with bench(tmp_path) as b:
        with pytest.raises(ApprovalRefusedError, match="no approval"):
            await b.desk.vote("ap-00000000000000000000000000000000", MIN, "approve")
        assert len(await refusals(b, SYSTEM)) == 1


async def test_a_closed_or_expired_request_takes_no_answer(tmp_path):
    async with bench(tmp_path) as b:
        approval = await asked(b)
        b.clock.move(seconds=3_600)
        with pytest.raises(ApprovalRefusedError, match="expired"):
            await b.desk.vote(approval, KIM, "approve")
        again = await asked(b)
        await b.desk.vote(again, KIM, "request_changes", comment="smaller steps")
        with pytest.raises(ApprovalRefusedError, match="changes_requested"):
            await b.desk.vote(again, MIN, "approve")
        with pytest.raises(ApprovalRefusedError, match="smaller steps"):
            await b.gate.call(WRITE)


SECRET = b"chat signing secret"
ANSWER = {"user": "U1", "approval_id": "ap-1", "answer": "approve", "comment": ""}


def signed(body: bytes, at: int, secret: bytes = SECRET) -> dict:
    mac = hmac.new(secret, f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {"timestamp": str(at), "body": body, "signature": f"v0={mac}"}


def callbacks(clock: FakeClock | None = None) -> Callbacks:
    return Callbacks(SECRET, {"U1": KIM.id}, clock or FakeClock())


NOW = int(NOON.timestamp())
BODY = json.dumps(ANSWER).encode()


def test_a_genuine_callback_says_who_answered_what():
    who, answer = callbacks().verify(**signed(BODY, NOW))
    assert (who, answer.approval_id, answer.answer) == (KIM.id, "ap-1", "approve")


@pytest.mark.parametrize("off", [-CALLBACK_AGE_S - 1, CALLBACK_AGE_S + 1, -(10**9)])
def test_a_callback_of_another_time_is_refused(off):
    with pytest.raises(ApprovalRefusedError, match="not of the last"):
        callbacks().verify(**signed(BODY, NOW + off))


def test_a_callback_is_taken_once():
    clock = FakeClock()
    taken = callbacks(clock)
    taken.verify(**signed(BODY, NOW))
    for _ in range(3):
        clock.move(seconds=60)
        with pytest.raises(ApprovalRefusedError, match="before"):
            taken.verify(**signed(BODY, NOW))


def test_a_user_who_is_not_listed_is_refused():
    with pytest.raises(ApprovalRefusedError, match="not listed"):
        callbacks().verify(**signed(json.dumps({**ANSWER, "user": "U2"}).encode(), NOW))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"user": "U1"}', b"\xff", BODY[:-1] + b', "role": "admin"}'])
def test_a_body_of_another_shape_is_refused(body):
    with pytest.raises(ApprovalRefusedError, match="wants user"):
        callbacks().verify(**signed(body, NOW))


@given(st.binary(max_size=200), st.text(max_size=80), st.text(max_size=20))
def test_nothing_passes_without_the_secret(body, signature, timestamp):
    with pytest.raises(ApprovalRefusedError):
        callbacks().verify(timestamp=timestamp, body=body, signature=signature)
    with pytest.raises(ApprovalRefusedError, match="signature"):
        callbacks().verify(**signed(body, NOW, secret=b"another"))
