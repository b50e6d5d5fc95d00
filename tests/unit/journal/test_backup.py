import sqlite3

import pytest
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import ConfigError, InputError, IntegrityError
from steersman.journal import audit
from steersman.journal.backup import backup, restore
from steersman.journal.keyring import Keyring, rotate
from steersman.testing.journal_facts import RUN, moved, noted, planned


@pytest.fixture
def place(tmp_path):
    return SqlitePlace(tmp_path / "journal.db")


async def test_a_backup_of_a_journal_in_use_is_restored_elsewhere(place, tmp_path):
    copy = tmp_path / "backups" / "copy.db"
    async with place.open() as journal:
        await journal.append(RUN, planned())
        backup(place.path, copy, place.keyring)
        await journal.append(RUN, moved("done"))
    restored = SqlitePlace(tmp_path / "elsewhere" / "journal.db", place.keyring)
    restore(copy, restored.path, place.keyring)
    async with restored.open() as journal:
        assert [entry.event.kind for entry in await journal.read(RUN)] == ["run_planned"]
        await journal.append(RUN, moved("failed"))
    assert audit.verify(restored.path, place.keyring) == []


async def test_a_journal_with_entries_is_replaced_by_force_only(place, tmp_path):
    async with place.open() as journal:
        await journal.append(RUN, planned())
    backup(place.path, tmp_path / "copy.db", place.keyring)
    async with place.open() as journal:
        await journal.append(RUN, moved("done"))
    with pytest.raises(InputError, match="force"):
        restore(tmp_path / "copy.db", place.path, place.keyring)
    restore(tmp_path / "copy.db", place.path, place.keyring, force=True)
    async with place.open() as journal:
        assert len(await journal.read(RUN)) == 1


async def test_nothing_is_overwritten_by_a_backup(place, tmp_path):
    async with place.open() as journal:
        await journal.append(RUN, planned())
    backup(place.path, tmp_path / "copy.db", place.keyring)
    with pytest.raises(InputError, match="exists"):
        backup(place.path, tmp_path / "copy.db", place.keyring)


async def test_an_altered_journal_is_not_backed_up_and_an_altered_backup_not_restored(place, tmp_path):
    async with place.open() as journal:
        await journal.append(RUN, planned(), noted(), noted())
    good = tmp_path / "good.db"
    backup(place.path, good, place.keyring)
    for path in (place.path, good):
        connection = sqlite3.connect(path)
        connection.execute("DELETE FROM entries WHERE seq = 3")
        connection.commit()
        connection.close()
    with pytest.raises(IntegrityError):
        backup(place.path, tmp_path / "bad.db", place.keyring)
    with pytest.raises(IntegrityError):
        restore(good, tmp_path / "new.db", place.keyring)


def test_what_is_not_there_is_an_input_error(place, tmp_path):
    with pytest.raises(InputError):
        backup(place.path, tmp_path / "copy.db", place.keyring)
    with pytest.raises(InputError):
        restore(tmp_path / "none.db", place.path, place.keyring)
    with pytest.raises(ConfigError):
        audit.verify(place.path, place.keyring)


async def test_the_chain_goes_on_over_a_rotation_of_keys(tmp_path):
    keys = tmp_path / "keys.json"
    place = SqlitePlace(tmp_path / "journal.db", Keyring.open(keys))
    async with place.open() as journal:
        await journal.append(RUN, planned())
    place.keyring = rotate(keys)
    async with place.open() as journal:
        await journal.append(RUN, noted())
        first, second = await journal.read(RUN)
        assert first.hash.split(":")[0] != second.hash.split(":")[0]
    assert audit.verify(place.path, place.keyring) == []
    lost = audit.verify(place.path, Keyring.generate())
    assert {problem.code for problem in lost} >= {"anchor", "altered"}


async def test_the_export_is_the_journal_line_by_line(place):
    async with place.open() as journal:
        await journal.append(RUN, planned(), noted())
    lines = list(audit.export(place.path, place.keyring))
    assert len(lines) == 2
    assert '"kind":"step_moved"' in lines[1]
