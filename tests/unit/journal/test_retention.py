import json
import sqlite3
from datetime import timedelta

import pytest
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import InputError, UnavailableError
from steersman.domain.finding import Cost
from steersman.domain.ids import RunId
from steersman.journal import audit
from steersman.journal.approvals import sign
from steersman.testing.journal_facts import APPROVER, claim, intent, moved, noted, planned, request, settled

OLD, PENDING, NEW = RunId("old"), RunId("pending"), RunId("new")


@pytest.fixture
async def place(tmp_path):
    """Three runs whose entries alternate."""
    place = SqlitePlace(tmp_path / "journal.db")
    async with place.open() as journal:
        await journal.append(OLD, planned())
        await journal.append(PENDING, planned(), noted())
        asked = (await journal.ask(request(OLD))).request
        await journal.vote(sign(place.keyring, asked, approver=APPROVER, answer="approve", at=place.clock.now()))
        await journal.intend(OLD, intent(), claim(asked))
        await journal.charge(OLD, "do", Cost(calls=1))
        await journal.append(PENDING, moved("waiting"))
        await journal.append(OLD, moved("done"))
        place.clock.move(seconds=3600)
        await journal.append(NEW, planned(), moved("done"))
    return place


def old(place):
    return place.clock.now() - timedelta(minutes=5)


async def test_old_finished_runs_move_into_an_archive_and_the_rest_verifies(place, tmp_path):
    archive = tmp_path / "archive.jsonl"
    async with place.open() as journal:
        before = await journal.read(OLD)
        assert await journal.retire(before=old(place), archive=archive) == 1
        assert await journal.read(OLD) == []
        assert await journal.runs() == [NEW, PENDING]
        assert await journal.approvals(open_only=False) == []
        await journal.append(PENDING, moved("running"))
    kept = [json.loads(line) for line in archive.read_text().splitlines()]
    assert [line["hash"] for line in kept] == [entry.hash for entry in before]
    assert audit.verify(place.path, place.keyring) == []


async def test_the_newest_entry_stays_and_a_second_retirement_works(place, tmp_path):
    async with place.open() as journal:
        place.clock.move(seconds=3600)
        assert await journal.retire(before=old(place), archive=tmp_path / "1.jsonl") == 1
        await journal.append(PENDING, noted())
        assert await journal.retire(before=place.clock.now(), archive=tmp_path / "2.jsonl") == 1
        assert await journal.retire(before=place.clock.now(), archive=tmp_path / "3.jsonl") == 0
    assert not (tmp_path / "3.jsonl").exists()
    assert audit.verify(place.path, place.keyring) == []


async def test_an_archive_is_never_overwritten(place, tmp_path):
    archive = tmp_path / "archive.jsonl"
    archive.write_text("precious")
    async with place.open() as journal:
        with pytest.raises(InputError):
            await journal.retire(before=old(place), archive=archive)
        assert len(await journal.runs()) == 3
    assert archive.read_text() == "precious"


async def test_calls_outside_of_plans_are_retired_unless_their_outcome_is_open(place, tmp_path):
    async with place.open() as journal:
        for run_id, results in (("settled", ["unknown", "done"]), ("open", []), ("unknown", ["unknown"])):
            await journal.intend(RunId(run_id), intent(), None)
            for result in results:
                await journal.append(RunId(run_id), settled(result=result))
        await journal.set_level("stop", by="ann")
        place.clock.move(seconds=3600)
        await journal.append(PENDING, noted())
        await journal.retire(before=old(place), archive=tmp_path / "archive.jsonl")
        assert await journal.read(RunId("settled")) == []
        assert await journal.read(RunId("open"))
        assert await journal.read(RunId("unknown"))
        assert await journal.level() == "stop"
    assert audit.verify(place.path, place.keyring) == []


CHEATS = {
    "cut wider": "UPDATE cuts SET last_seq = last_seq + 1",
    "another end": "UPDATE cuts SET last_hash = before_hash",
    "record removed": "DELETE FROM cuts",
    "one entry more removed": "DELETE FROM entries WHERE seq = 3",
}


@pytest.mark.parametrize("name", CHEATS)
async def test_a_cut_covers_nothing_but_what_it_names(place, tmp_path, name):
    async with place.open() as journal:
        await journal.retire(before=old(place), archive=tmp_path / "archive.jsonl")
    connection = sqlite3.connect(place.path)
    connection.execute(CHEATS[name])
    connection.commit()
    connection.close()
    assert audit.verify(place.path, place.keyring)


async def test_a_closed_journal_says_so(place):
    async with place.open() as journal:
        pass
    with pytest.raises(UnavailableError):
        await journal.append(OLD, noted())
