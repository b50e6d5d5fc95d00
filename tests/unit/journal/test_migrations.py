"""Journals of every released schema version open under the newest one, and their pending runs go on.

`tests/data/journal/v1.*` was written by schema version 1 and is never written anew: add `v2.*` beside it.
"""

import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import ConcurrencyError, ConfigError
from steersman.domain.ids import ApprovalId, IncidentId
from steersman.journal import audit, schema
from steersman.journal.anchor import anchor_path
from steersman.journal.keyring import Keyring
from steersman.journal.migrations import migrations
from steersman.journal.runs import Runs
from steersman.testing.journal_facts import RUN, intent, moved, settled

DATA = Path(__file__).parents[2] / "data" / "journal"
KEYRING = Keyring({"fixture": b"a key for tests, known to anyone"}, current="fixture")
APPROVAL = ApprovalId("approval-00000000000000000000000000000001")


@pytest.fixture
def first_version(tmp_path):
    place = SqlitePlace(tmp_path / "journal.db", KEYRING)
    connection = sqlite3.connect(place.path)
    connection.executescript((DATA / "v1.sql").read_text())
    connection.close()
    shutil.copy(DATA / "v1.anchor", anchor_path(place.path))
    return place


async def test_a_pending_run_of_schema_version_1_goes_on_under_the_newest(first_version):
    async with first_version.open() as journal:
        runs = Runs(journal)
        assert await journal.runs(unfinished=True) == [RUN]
        assert (await runs.load(RUN)).state == "running"
        assert (await journal.approval(APPROVAL)).claimed_by == RUN
        with pytest.raises(ConcurrencyError):
            await journal.intend(RUN, intent("w1", attempt=2), None)
        await journal.append(RUN, settled("w1"), moved("done"))
        assert (await runs.load(RUN)).final
        assert await journal.investigations(IncidentId("none")) == []
    assert audit.verify(first_version.path, KEYRING) == []


async def test_a_journal_of_a_newer_version_is_refused(tmp_path):
    place = SqlitePlace(tmp_path / "journal.db")
    async with place.open():
        pass
    connection = sqlite3.connect(place.path)
    connection.execute(f"PRAGMA user_version = {schema.newest() + 1}")
    connection.close()
    with pytest.raises(ConfigError, match="upgrade"):
        async with place.open():
            pass


def test_a_failed_migration_leaves_the_old_version(tmp_path):
    connection = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    schema.migrate(connection, to=1)
    connection.execute("CREATE TABLE cuts (in_the_way TEXT)")
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection)
    assert schema.version(connection) == 1
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'incidents'").fetchall()
    connection.close()


def test_versions_are_numbered_without_holes():
    assert list(migrations()) == list(range(1, schema.newest() + 1))
