import asyncio
import sqlite3
import threading

import pytest
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import UnavailableError
from steersman.journal import audit
from steersman.journal.sqlite import SqliteJournal
from steersman.journal.writer import BATCH
from steersman.testing.journal_facts import RUN, noted


@pytest.fixture
def place(tmp_path):
    return SqlitePlace(tmp_path / "journal.db")


async def test_while_another_process_writes_the_event_loop_goes_on(place):
    async with place.open() as journal:
        other = sqlite3.connect(place.path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(journal.append(RUN, noted()))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
        other.execute("COMMIT")
        other.close()
        await waiting
        assert len(await journal.read(RUN)) == 1


async def test_closing_commits_what_waits(place):
    async with place.open() as journal:
        waiting = [asyncio.create_task(journal.append(RUN, noted())) for _ in range(3)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    async with place.open() as journal:
        assert len(await journal.read(RUN)) == 3


async def test_more_than_one_batch_is_written_whole_and_in_order(place):
    async with place.open() as journal:
        names = [f"s{i}" for i in range(2 * BATCH + 10)]
        await asyncio.gather(*(journal.append(RUN, noted(name)) for name in names))
        assert [entry.event.step_id for entry in await journal.read(RUN)] == names
    assert audit.verify(place.path, place.keyring) == []


async def test_a_bug_in_an_operation_reaches_its_caller_and_nobody_else(place):
    async with place.open() as journal:
        results = await asyncio.gather(
            journal.append(RUN, noted()),
            journal.append(RUN, None),
            journal.append(RUN, noted()),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), AttributeError, type(None)]
        assert len(await journal.read(RUN)) == 2


async def test_a_caller_in_another_event_loop_is_served_too(place):
    async with place.open() as journal:

        def elsewhere(journal: SqliteJournal) -> None:
            asyncio.run(journal.append(RUN, noted()))

        thread = threading.Thread(target=elsewhere, args=(journal,))
        thread.start()
        await asyncio.to_thread(thread.join)
        assert len(await journal.read(RUN)) == 1


async def test_a_full_disk_is_told_and_the_journal_goes_on_after(place):
    async with place.open() as journal:
        await journal.append(RUN, noted())
        for store in (journal._writer._near, journal._writer._far):
            pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
            store._connection.execute(f"PRAGMA max_page_count = {pages}")
        big = noted("x" * 200_000)
        with pytest.raises(UnavailableError, match="full"):
            await journal.append(RUN, big)
        for store in (journal._writer._near, journal._writer._far):
            store._connection.execute("PRAGMA max_page_count = 1000000")
        await journal.append(RUN, big)
        assert len(await journal.read(RUN)) == 2
    assert audit.verify(place.path, place.keyring) == []
