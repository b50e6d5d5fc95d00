"""Whoever can write the database but has no key is found out, whatever row is edited, cut, added or moved."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import ApprovalRefusedError, IntegrityError
from steersman.domain.ids import RunId
from steersman.journal import audit
from steersman.journal.anchor import anchor_path
from steersman.journal.approvals import sign
from steersman.journal.keyring import Keyring
from steersman.testing.journal_facts import (
    APPROVER,
    RUN,
    SECOND,
    claim,
    intent,
    moved,
    noted,
    planned,
    request,
    settled,
)

ENTRIES = 14
EDITABLE = ("run_id", "at", "kind", "ref", "body", "previous", "hash")


async def write_a_story(place):
    """Returns the approval's request."""
    async with place.open() as journal:
        await journal.append(RUN, planned(), moved("running"))
        asked = (await journal.ask(request())).request
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        await journal.intend(RUN, intent(), claim(asked))
        await journal.append(RUN, settled())
        await journal.append(RunId("other"), noted())
        await journal.set_level("stop", by="ann")
        for _ in range(5):
            place.clock.move(seconds=1)
            await journal.append(RUN, noted())
        return asked


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    place = SqlitePlace(tmp_path_factory.mktemp("story") / "journal.db", Keyring.generate())
    place.asked = asyncio.run(write_a_story(place))
    assert audit.verify(place.path, place.keyring) == []
    return place


@pytest.fixture
def copy(story, tmp_path):
    """A fresh copy of the story for each attack."""
    count = iter(range(10_000))

    def make():
        path = tmp_path / f"{next(count)}.db"
        shutil.copy(story.path, path)
        shutil.copy(anchor_path(story.path), anchor_path(path))
        return SqlitePlace(path, story.keyring)

    return make


def attack(place, *statements):
    connection = sqlite3.connect(place.path)
    for statement, *parameters in statements:
        connection.execute(statement, parameters)
    connection.commit()
    connection.close()
    return {problem.code for problem in audit.verify(place.path, place.keyring)}


few = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SEQ = st.integers(1, ENTRIES)


@few
@given(seq=SEQ, column=st.sampled_from(EDITABLE), text=st.text(min_size=1, max_size=12))
def test_each_edit_is_found(copy, seq, column, text):
    place = copy()
    query = f"UPDATE entries SET {column} = COALESCE({column}, '') || ? WHERE seq = ?"
    assert attack(place, (query, text, seq))


@few
@given(first=SEQ, count=st.integers(1, 4))
def test_each_deletion_is_found(copy, first, count):
    assert attack(copy(), ("DELETE FROM entries WHERE seq >= ? AND seq < ?", first, first + count))


@few
@given(keep=st.integers(0, ENTRIES - 1))
def test_each_truncation_is_found(copy, keep):
    codes = attack(copy(), ("DELETE FROM entries WHERE seq > ?", keep))
    assert "truncated" in codes


@few
@given(seq=SEQ, at=st.integers(0, ENTRIES))
def test_each_insertion_is_found(copy, seq, at):
    shift = ("UPDATE entries SET seq = -seq - 1 WHERE seq > ?", at)
    back = ("UPDATE entries SET seq = -seq WHERE seq < 0",)
    columns = "run_id, at, kind, ref, body, previous, hash"
    add = (f"INSERT INTO entries SELECT ?, {columns} FROM entries WHERE ABS(seq + (seq < 0)) = ?", at + 1, seq)
    assert attack(copy(), shift, back, add)


@few
@given(pair=st.lists(SEQ, min_size=2, max_size=2, unique=True))
def test_each_reordering_is_found(copy, pair):
    one, two = pair
    swap = "UPDATE entries SET seq = ? WHERE seq = ?"
    assert attack(copy(), (swap, -1, one), (swap, one, two), (swap, two, -1))


TABLES = {
    "a run set to done": ("UPDATE runs SET state = 'done'",),
    "a run removed": ("DELETE FROM runs",),
    "an approval removed": ("DELETE FROM approvals",),
    "an approval edited": ("UPDATE approvals SET body = replace(body, 'payments', 'accounts')",),
    "a vote removed": ("DELETE FROM votes",),
    "a vote edited": ("UPDATE votes SET body = replace(body, 'approve', 'reject')",),
    "a vote doubled": ("INSERT INTO votes SELECT approval_id, seq + 1000, body FROM votes",),
    "a cut invented": ("INSERT INTO cuts VALUES (15, 16, '', '', '', '', '', 'k:0')",),
    "a trigger added": (
        "CREATE TRIGGER t AFTER INSERT ON votes BEGIN DELETE FROM votes WHERE body LIKE '%reject%'; END",
    ),
    "an index dropped": ("DROP INDEX entries_ref",),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_beside_the_chain_are_checked_too(copy, name):
    assert attack(copy(), TABLES[name])


def test_a_lost_anchor_is_found_and_can_be_written_anew(copy):
    place = copy()
    anchor_path(place.path).unlink()
    assert {problem.code for problem in audit.verify(place.path, place.keyring)} == {"anchor"}
    with pytest.raises(IntegrityError):
        asyncio.run(open_it(place))
    audit.reanchor(place.path, place.keyring)
    assert audit.verify(place.path, place.keyring) == []


def test_a_forged_anchor_is_found(copy):
    place = copy()
    other = SqlitePlace(place.path.with_name("other.db"))
    asyncio.run(open_it(other))
    shutil.copy(anchor_path(other.path), anchor_path(place.path))
    assert "anchor" in {problem.code for problem in audit.verify(place.path, place.keyring)}


async def open_it(place):
    async with place.open() as journal:
        return journal


@pytest.mark.parametrize("keep", [0, 3, ENTRIES - 2])
async def test_a_journal_that_was_cut_off_is_not_continued(copy, keep):
    place = copy()
    attack(place, ("DELETE FROM entries WHERE seq > ?", keep))
    with pytest.raises(IntegrityError):
        await open_it(place)


async def test_a_journal_that_is_cut_off_under_an_open_process_is_not_continued(copy):
    place = copy()
    async with place.open() as journal:
        attack(place, ("DELETE FROM entries WHERE seq > 5",))
        with pytest.raises(IntegrityError):
            await journal.append(RUN, noted())


@pytest.mark.parametrize("at", ["9999-01-01T00:00:00.000000+00:00", "2020-01-01T00:00:00.000000+00:00", "x", ""])
async def test_an_edited_instant_of_the_last_entry_moves_no_expiry(copy, at):
    place = copy()
    attack(place, ("UPDATE entries SET at = ? WHERE seq = (SELECT MAX(seq) FROM entries)", at))
    with pytest.raises(IntegrityError):
        async with place.open() as journal:
            await journal.append(RUN, noted())


async def test_an_edited_entry_is_not_read(copy):
    place = copy()
    attack(place, ("UPDATE entries SET body = replace(body, 'done', 'failed')",))
    async with place.open() as journal:
        with pytest.raises(IntegrityError):
            await journal.read(RUN)


async def test_an_edited_row_cannot_release_the_kill_switch(copy):
    place = copy()
    attack(place, ("UPDATE entries SET body = replace(body, 'stop', 'off') WHERE kind = 'switch_moved'",))
    async with place.open() as journal:
        with pytest.raises(IntegrityError):
            await journal.level()


FORGERIES = {
    "request edited": "UPDATE approvals SET body = replace(body, '\"count\":2', '\"count\":1')",
    "approver renamed": "UPDATE votes SET body = replace(body, 'bob', 'eve')",
    "vote copied": "INSERT INTO votes SELECT approval_id, seq + 100, body FROM votes",
    "rejection removed": "DELETE FROM votes WHERE body LIKE '%reject%'",
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_forged_rows_of_an_approval_let_nothing_through(tmp_path: Path, name: str) -> None:
    place = SqlitePlace(tmp_path / "journal.db")
    async with place.open() as journal:
        asked = (await journal.ask(request(requirement={"count": 2}))).request
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        if name == "rejection removed":
            await journal.vote(sign(place.keyring, asked, approver=SECOND, answer="reject", at=place.clock.now()))
        attack(place, (FORGERIES[name],))
        with pytest.raises(ApprovalRefusedError):
            await journal.intend(RUN, intent(), claim(asked))


async def test_a_used_approval_whose_claim_was_erased_is_found(story, copy):
    place = copy()
    gone = "DELETE FROM entries WHERE kind = 'approval_moved' AND body LIKE '%claimed%'"
    assert "gap" in attack(place, (gone,))
