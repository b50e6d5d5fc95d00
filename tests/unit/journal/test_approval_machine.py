"""A state machine: whatever happens in whatever order, an effect needs votes that allow it, in time, once."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import ApprovalRefusedError
from steersman.domain.ids import RunId
from steersman.journal import audit
from steersman.journal.approvals import sign
from steersman.testing.journal_facts import AGENT, APPROVER, ASKER, SECOND, STRANGER, claim, intent, request

TTL_S = 100.0
PEOPLE = st.sampled_from([APPROVER, SECOND, ASKER, STRANGER, AGENT])
RUNS = st.sampled_from([RunId("run-1"), RunId("run-2")])


class Asked:
    """What a machine that trusts nobody knows of one request."""

    def __init__(self, fact, *, wanted, others_only):
        self.fact, self.wanted, self.others_only = fact, wanted, others_only
        self.approvers, self.said = set(), {}
        self.closed, self.claimed, self.expires_at = False, False, fact.expires_at

    def may(self, person):
        return "approver" in person.roles and person.kind != "agent" and not (self.others_only and person == ASKER)


class ApprovalMachine(RuleBasedStateMachine):
    asked = Bundle("asked")

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.place = SqlitePlace(Path(self.folder.name) / "journal.db")
        self.latest = datetime.min.replace(tzinfo=UTC)
        self.steps = 0
        self.stack = AsyncExitStack()

    def run(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    @initialize()
    def start(self):
        self.journal = self.run(self.stack.enter_async_context(self.place.open()))

    @rule(target=asked, count=st.integers(1, 2), others_only=st.booleans(), run_id=RUNS)
    def ask(self, count, others_only, run_id):
        self.steps += 1
        fact = request(
            run_id,
            at=self.place.clock.now(),
            ttl_s=TTL_S,
            requirement={"count": count, "not_requester": others_only},
            summary=str(self.steps),
            policy_digest=f"sha256:{self.steps}",
        )
        self.run(self.journal.ask(fact))
        self.saw_now()
        return Asked(fact, wanted=count, others_only=others_only)

    def saw_now(self):
        """Whatever was written down moves the journal's time."""
        self.latest = max(self.latest, self.place.clock.now())

    def expired(self, asked):
        return max(self.latest, self.place.clock.now()) >= asked.expires_at

    @rule(asked=asked, person=PEOPLE, answer=st.sampled_from(["approve", "approve", "approve", "reject"]))
    def vote(self, asked, person, answer):
        closed = asked.closed or asked.claimed or self.expired(asked)
        vote = sign(self.place.keyring, asked.fact, approver=person, answer=answer, at=self.place.clock.now())
        allowed = asked.may(person) or (answer == "reject" and (person == ASKER))
        try:
            self.run(self.journal.vote(vote))
        except ApprovalRefusedError:
            assert closed or not allowed
            self.saw_now()
        else:
            assert allowed
            assert not closed
            asked.closed |= answer == "reject"
            asked.approvers |= {person.id} if answer == "approve" else set()
            if asked.said.get(person.id) != answer:
                self.saw_now()
            asked.said[person.id] = answer

    @rule(asked=asked, flip=st.integers(0, 63))
    def forge(self, asked, flip):
        vote = sign(self.place.keyring, asked.fact, approver=APPROVER, answer="approve", at=self.place.clock.now())
        digit = "0" if vote.signature[flip] != "0" else "1"
        forged = vote.model_copy(update={"signature": vote.signature[:flip] + digit + vote.signature[flip + 1 :]})
        self.saw_now()
        try:
            self.run(self.journal.vote(forged))
        except ApprovalRefusedError:
            return
        raise AssertionError("a forged vote was taken")

    @rule(asked=asked, run_id=RUNS, tries=st.integers(1, 4))
    def claim(self, asked, run_id, tries):
        self.steps += 1
        mine = claim(asked.fact, claimed_by=run_id)
        valid = run_id == asked.fact.run_id and (
            asked.claimed or (not asked.closed and not self.expired(asked) and len(asked.approvers) >= asked.wanted)
        )
        self.saw_now()

        async def all_at_once():
            step = intent(f"s{self.steps}")
            return await asyncio.gather(
                *(self.journal.intend(run_id, step, mine) for _ in range(tries)), return_exceptions=True
            )

        results = self.run(all_at_once())
        assert results.count(None) == (1 if valid else 0)
        asked.claimed |= valid

    @rule(seconds=st.sampled_from([-150, -10, 1, 30, 70]))
    def move_clock(self, seconds):
        self.place.clock.move(seconds=seconds)

    @rule()
    def restart(self):
        self.run(self.stack.aclose())
        self.stack = AsyncExitStack()
        self.start()

    @precondition(lambda self: self.steps)
    @invariant()
    def nothing_is_claimed_that_was_not_approved(self):
        for known in self.run(self.journal.approvals(open_only=False)):
            if known.state == "claimed":
                assert known.claimed_at is not None
                assert known.claimed_at < known.request.expires_at + timedelta(microseconds=1)
                assert known.claimed_by == known.request.run_id

    def teardown(self):
        self.run(self.stack.aclose())
        assert audit.verify(self.place.path, self.place.keyring) == []
        self.folder.cleanup()
        self.loop.close()


TestApprovals = ApprovalMachine.TestCase
TestApprovals.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
