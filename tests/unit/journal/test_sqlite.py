from pathlib import Path

import pytest
from tests.unit.journal.places import SqlitePlace

from steersman.testing.journal_conformance import JournalConformance


class TestSqliteJournal(JournalConformance):
    @pytest.fixture
    def place(self, tmp_path: Path) -> SqlitePlace:
        return SqlitePlace(tmp_path / "journal.db")
