from pathlib import Path

import pytest
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import ApprovalRefusedError
from steersman.journal.runs import Runs
from steersman.testing.journal_conformance import JournalConformance
from steersman.testing.journal_facts import RUN, claim, intent, planned, request


class TestSqliteJournal(JournalConformance):
    @pytest.fixture
    def place(self, tmp_path: Path) -> SqlitePlace:
        return SqlitePlace(tmp_path / "journal.db")


async def test_a_refused_claim_does_not_become_an_approval_of_the_run(tmp_path: Path) -> None:
    async with SqlitePlace(tmp_path / "journal.db").open() as journal:
        await journal.append(RUN, planned())
        with pytest.raises(ApprovalRefusedError):
            await journal.intend(RUN, intent(), claim(request()))
        assert (await Runs(journal).load(RUN)).approvals == ()
