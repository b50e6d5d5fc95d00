"""What every journal must do. Inherit `JournalConformance`, give it a `place`, and pytest runs all of it.

class TestSqlite(JournalConformance):
    @pytest.fixture
    def place(self, tmp_path): return SqlitePlace(tmp_path / "journal.db")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

import pytest

from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalRefusedError, ConcurrencyError, IntegrityError
from steersman.domain.event import ApprovalMoved, CallIntended, SwitchMoved
from steersman.domain.finding import Cost
from steersman.domain.ids import ApprovalId, RunId
from steersman.journal.approvals import sign
from steersman.journal.chain import SYSTEM
from steersman.journal.keyring import Keyring
from steersman.journal.port import Journal
from steersman.journal.runs import Runs
from steersman.testing.clock import FakeClock
from steersman.testing.journal_facts import (
    AGENT,
    APPROVER,
    ASKER,
    RUN,
    SECOND,
    STRANGER,
    claim,
    intent,
    moved,
    noted,
    planned,
    request,
    settled,
)

OTHER = RunId("run-2")
MINUTE = timedelta(minutes=1)


class Place(Protocol):
    """Where a journal lies: opening it again finds what was written."""

    keyring: Keyring
    clock: FakeClock

    def open(self) -> AbstractAsyncContextManager[Journal]:
        """Opens the journal, as another process would."""
        ...


class EntriesConformance:
    """Append, read, intend, runs."""

    @pytest.fixture
    async def journal(self, place: Place) -> AsyncIterator[Journal]:
        async with place.open() as journal:
            yield journal

    async def test_entries_come_back_in_order_and_chained(self, journal: Journal) -> None:
        await journal.append(RUN, planned(), noted("a"))
        await journal.append(OTHER, noted("x"))
        await journal.append(RUN, noted("b"))
        entries = await journal.read(RUN)
        assert [entry.event.kind for entry in entries] == ["run_planned", "step_moved", "step_moved"]
        assert [entry.seq for entry in entries] == [1, 2, 4]
        assert entries[1].previous == entries[0].hash
        assert await journal.read(RUN, after=2) == [entries[2]]

    async def test_many_concurrent_appends_are_all_there_once(self, journal: Journal) -> None:
        await asyncio.gather(*(journal.append(RUN, noted(f"s{i}")) for i in range(300)))
        entries = await journal.read(RUN)
        assert [entry.seq for entry in entries] == list(range(1, 301))
        assert {getattr(entry.event, "step_id", "") for entry in entries} == {f"s{i}" for i in range(300)}

    async def test_what_was_appended_survives_a_restart(self, place: Place) -> None:
        async with place.open() as journal:
            await journal.append(RUN, planned())
        async with place.open() as journal:
            assert len(await journal.read(RUN)) == 1

    async def test_time_never_goes_back_in_the_journal(self, place: Place, journal: Journal) -> None:
        await journal.append(RUN, noted())
        place.clock.move(seconds=-3600)
        await journal.append(RUN, noted())
        first, second = await journal.read(RUN)
        assert second.at >= first.at

    async def test_a_run_begins_once(self, journal: Journal) -> None:
        await journal.append(RUN, planned())
        with pytest.raises(ConcurrencyError):
            await journal.append(RUN, planned())

    async def test_runs_are_listed_newest_first_and_unfinished_ones_alone(self, journal: Journal) -> None:
        await journal.append(RUN, planned())
        await journal.append(OTHER, planned(), moved("running"))
        assert await journal.runs() == [OTHER, RUN]
        await journal.append(OTHER, moved("done"))
        assert await journal.runs(unfinished=True) == [RUN]

    async def test_a_refused_operation_does_not_spoil_its_neighbours(self, journal: Journal) -> None:
        await journal.intend(RUN, intent("a"), None)
        again, other = await asyncio.gather(
            journal.intend(RUN, intent("a"), None), journal.append(RUN, noted("b")), return_exceptions=True
        )
        assert isinstance(again, ConcurrencyError)
        assert other is None
        assert len(await journal.read(RUN)) == 2

    async def test_an_intent_is_taken_once(self, journal: Journal) -> None:
        results = await asyncio.gather(
            *(journal.intend(RUN, intent(), None) for _ in range(20)), return_exceptions=True
        )
        assert results.count(None) == 1
        assert sum(isinstance(result, ConcurrencyError) for result in results) == 19

    async def test_a_done_call_is_given_back_and_not_intended_again(self, journal: Journal) -> None:
        await journal.intend(RUN, intent(), None)
        await journal.append(RUN, settled())
        assert await journal.intend(RUN, intent(attempt=2), None) == settled()
        assert len(await journal.read(RUN)) == 2

    async def test_the_other_direction_is_another_call(self, journal: Journal) -> None:
        await journal.intend(RUN, intent(), None)
        await journal.append(RUN, settled())
        assert await journal.intend(RUN, intent(direction="undo"), None) is None

    @pytest.mark.parametrize("result", ["unknown", None])
    async def test_an_unsettled_attempt_bars_the_next(self, journal: Journal, result: str | None) -> None:
        await journal.intend(RUN, intent(), None)
        if result is not None:
            await journal.append(RUN, settled(result=result))
        with pytest.raises(ConcurrencyError):
            await journal.intend(RUN, intent(attempt=2), None)

    @pytest.mark.parametrize("result", ["failed", "not_happened"])
    async def test_after_an_attempt_without_effect_comes_the_next(self, journal: Journal, result: str) -> None:
        await journal.intend(RUN, intent(), None)
        await journal.append(RUN, settled(result="unknown"), settled(result=result))
        with pytest.raises(ConcurrencyError):
            await journal.intend(RUN, intent(attempt=1), None)
        assert await journal.intend(RUN, intent(attempt=2), None) is None

    async def test_a_cancelled_append_is_whole_or_absent(self, journal: Journal) -> None:
        task = asyncio.create_task(journal.append(RUN, noted("a"), noted("b")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await journal.append(RUN, noted("c"))
        assert len(await journal.read(RUN)) in (1, 3)

    async def test_runs_fold_on_from_where_they_were(self, journal: Journal) -> None:
        runs = Runs(journal)
        with pytest.raises(IntegrityError):
            await runs.load(RUN)
        await journal.append(RUN, planned())
        assert (await runs.load(RUN)).state == "planned"
        await journal.append(RUN, moved("running"))
        assert (await runs.load(RUN)).state == "running"


class ApprovalsConformance:
    """Ask, vote, claim."""

    async def test_a_plan_is_approved_claimed_and_goes_on(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request())).request
        vote = sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now())
        assert (await journal.vote(vote)).state == "approved"
        assert await journal.intend(RUN, intent("a"), claim(asked)) is None
        assert await journal.intend(RUN, intent("b"), claim(asked)) is None
        known = await journal.approval(asked.id)
        assert (known.state, known.claimed_by) == ("claimed", RUN)
        claims = [
            e for e in await journal.read(RUN) if isinstance(e.event, ApprovalMoved) and e.event.what == "claimed"
        ]
        assert len(claims) == 1

    async def test_the_same_question_is_asked_once(self, journal: Journal) -> None:
        first = await journal.ask(request())
        assert await journal.ask(request()) == first
        assert (await journal.ask(request(policy_digest="sha256:other"))).request.id != first.request.id
        assert len(await journal.approvals()) == 2

    async def test_a_rejection_wins_at_once_also_over_an_approval(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request())).request
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        known = await journal.vote(sign(place.keyring, asked, approver=SECOND, answer="reject", at=place.clock.now()))
        assert known.state == "rejected"
        with pytest.raises(ApprovalRefusedError):
            await journal.intend(RUN, intent(), claim(asked))

    async def test_the_same_approver_counts_once(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request(requirement={"count": 2}))).request
        vote = sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now())
        assert (await journal.vote(vote)).state == "open"
        assert (await journal.vote(vote)).state == "open"
        other = sign(place.keyring, asked, approver=SECOND, answer="approve", at=place.clock.now())
        assert (await journal.vote(other)).state == "approved"

    @pytest.mark.parametrize("voter", [STRANGER, AGENT, ASKER], ids=lambda voter: voter.id)
    async def test_votes_without_the_right_are_refused_and_journaled(
        self, place: Place, journal: Journal, voter: Principal
    ) -> None:
        asked = (await journal.ask(request(requirement={"count": 1, "not_requester": True}))).request
        with pytest.raises(ApprovalRefusedError):
            await journal.vote(sign(place.keyring, asked, approver=voter, answer="approve", at=place.clock.now()))
        last = (await journal.read(RUN))[-1].event
        assert isinstance(last, ApprovalMoved)
        assert last.what == "refused"
        assert (await journal.approval(asked.id)).state == "open"

    async def test_forged_votes_are_refused(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request())).request
        good = sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now())
        forged = (
            {"signature": ""},
            {"signature": "none"},
            {"signature": good.signature[::-1]},
            {"key_id": "nobody"},
            {"comment": "added later"},
            {"approver": SECOND},
        )
        for change in forged:
            with pytest.raises(ApprovalRefusedError):
                await journal.vote(good.model_copy(update=change))
        other = sign(Keyring.generate(), asked, approver=APPROVER, answer="approve", at=place.clock.now())
        with pytest.raises(ApprovalRefusedError):
            await journal.vote(other.model_copy(update={"key_id": good.key_id}))
        assert (await journal.approval(asked.id)).state == "open"

    async def test_a_vote_on_nothing_is_refused_and_journaled(self, place: Place, journal: Journal) -> None:
        vote = sign(place.keyring, request(), approver=APPROVER, answer="approve", at=place.clock.now())
        with pytest.raises(ApprovalRefusedError):
            await journal.vote(vote)
        assert [entry.event.kind for entry in await journal.read(SYSTEM)] == ["approval_moved"]
        with pytest.raises(ApprovalRefusedError):
            await journal.approval(ApprovalId("guessed"))

    async def test_expiry_holds_also_when_the_clock_goes_back(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request(ttl_s=60))).request
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        place.clock.move(seconds=61)
        assert (await journal.approval(asked.id)).state == "expired"
        place.clock.move(seconds=-120)
        with pytest.raises(ApprovalRefusedError):
            await journal.intend(RUN, intent(), claim(asked))

    async def test_a_claim_made_in_time_outlives_the_expiry(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request(ttl_s=60))).request
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        await journal.intend(RUN, intent("a"), claim(asked))
        place.clock.move(seconds=600)
        assert await journal.intend(RUN, intent("b"), claim(asked)) is None

    async def test_claims_of_something_else_are_refused_and_journaled(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request())).request
        good = claim(asked)
        with pytest.raises(ApprovalRefusedError):
            await journal.intend(RUN, intent(), good)
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        wrong = ({"subject": "sha256:other"}, {"approval_id": "guessed"}, {"claimed_by": OTHER})
        for change in wrong:
            with pytest.raises(ApprovalRefusedError):
                await journal.intend(RUN, intent(), good.model_copy(update=change))
        with pytest.raises(ApprovalRefusedError):
            await journal.intend(OTHER, intent(), good.model_copy(update={"claimed_by": OTHER}))
        written = [*await journal.read(RUN), *await journal.read(OTHER)]
        assert not [entry for entry in written if isinstance(entry.event, CallIntended)]
        refused = [e for e in written if isinstance(e.event, ApprovalMoved) and e.event.what == "refused"]
        assert len(refused) == 5

    async def test_a_steps_approval_is_for_that_step(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request(scope="step", step_id="a"))).request
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        with pytest.raises(ApprovalRefusedError):
            await journal.intend(RUN, intent("b"), claim(asked, claimed_by=f"{RUN}/b"))
        assert await journal.intend(RUN, intent("a"), claim(asked)) is None

    async def test_of_many_claims_at_once_one_intent_stands(self, place: Place, journal: Journal) -> None:
        asked = (await journal.ask(request())).request
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        tries = (journal.intend(RUN, intent(), claim(asked)) for _ in range(50))
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert results.count(None) == 1


class StateConformance:
    """Leases, the kill switch, the ledger."""

    async def test_a_lease_is_held_renewed_given_back_and_expires(self, place: Place, journal: Journal) -> None:
        assert await journal.acquire(RUN, "one", MINUTE)
        assert not await journal.acquire(RUN, "two", MINUTE)
        place.clock.move(seconds=50)
        assert await journal.acquire(RUN, "one", MINUTE)
        place.clock.move(seconds=50)
        assert not await journal.acquire(RUN, "two", MINUTE)
        await journal.release(RUN, "two")
        assert not await journal.acquire(RUN, "two", MINUTE)
        await journal.release(RUN, "one")
        assert await journal.acquire(RUN, "two", MINUTE)
        place.clock.move(seconds=61)
        assert await journal.acquire(RUN, "one", MINUTE)

    async def test_the_kill_switch_is_seen_by_others_and_journaled(self, place: Place, journal: Journal) -> None:
        async with place.open() as other:
            assert await other.level() == "off"
            await journal.set_level("hard", by="ann", reason="fire")
            assert await other.level() == "hard"
            await other.set_level("off", by="ann")
            assert await journal.level() == "off"
        assert [type(entry.event) for entry in await journal.read(SYSTEM)] == [SwitchMoved, SwitchMoved]

    async def test_charges_add_up_by_account(self, journal: Journal) -> None:
        await journal.charge(RUN, "do", Cost(calls=1, seconds=0.5))
        await asyncio.gather(*(journal.charge(RUN, "do", Cost(calls=1)) for _ in range(9)))
        assert await journal.charge(RUN, "do", Cost(tokens=7)) == Cost(calls=10, seconds=0.5, tokens=7)
        assert await journal.charge(RUN, "undo", Cost(calls=1)) == Cost(calls=1)


class JournalConformance(EntriesConformance, ApprovalsConformance, StateConformance):
    """All of it. A subclass gives the fixture `place`."""
