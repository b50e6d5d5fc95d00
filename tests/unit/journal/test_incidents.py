from datetime import timedelta

import pytest
from tests.unit.journal.places import SqlitePlace

from steersman.domain.errors import InputError
from steersman.domain.finding import Investigation
from steersman.domain.ids import IncidentId
from steersman.domain.signal import Window
from steersman.testing.clock import NOON


def investigation(incident_id, question):
    window = Window(start=NOON, end=NOON + timedelta(minutes=5))
    return Investigation(incident_id=incident_id, question=question, window=window, result="no_fault")


async def test_one_alert_is_one_incident_with_all_its_investigations(tmp_path):
    async with SqlitePlace(tmp_path / "journal.db").open() as journal:
        first = await journal.incident("fp", NOON)
        assert await journal.incident("fp", NOON) == first
        later = await journal.incident("fp", NOON + timedelta(hours=1))
        assert await journal.incidents() == [later, first]
        assert await journal.incidents(limit=1) == [later]
        for question in ("what?", "again?"):
            await journal.add_investigation(investigation(first.id, question))
        assert [found.question for found in await journal.investigations(first.id)] == ["what?", "again?"]
        with pytest.raises(InputError):
            await journal.add_investigation(investigation(IncidentId("none"), "what?"))
