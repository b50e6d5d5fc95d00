"""Incidents, one per alert fingerprint and start, and the investigations that belong to them."""

from __future__ import annotations

import secrets
from datetime import datetime

from steersman.domain.errors import InputError
from steersman.domain.finding import Investigation
from steersman.domain.ids import IncidentId
from steersman.journal.chain import instant
from steersman.journal.port import Incident
from steersman.journal.transaction import Query, Transaction

_COLUMNS = "incident_id, fingerprint, started_at, opened_at"


def opened(tx: Transaction, *, fingerprint: str, started_at: datetime) -> Incident:
    """The incident of this alert; a new one when it is the first time."""
    found = _of_alert(tx, fingerprint, started_at)
    if found is not None:
        return found
    incident = Incident(
        id=IncidentId(f"inc-{secrets.token_hex(6)}"), fingerprint=fingerprint, started_at=started_at, opened_at=tx.now
    )
    tx.run(
        "INSERT INTO incidents VALUES (?, ?, ?, ?)",
        incident.id,
        fingerprint,
        instant(started_at),
        instant(incident.opened_at),
    )
    return incident


def add_investigation(tx: Transaction, *, investigation: Investigation) -> None:
    """Files an investigation. Raises InputError for an unknown incident."""
    incident_id = investigation.incident_id
    if tx.one("SELECT 1 FROM incidents WHERE incident_id = ?", incident_id) is None:
        raise InputError(f"there is no incident {incident_id!r}; open it by its alert's fingerprint and start")
    row = tx.one("SELECT COALESCE(MAX(number), 0) FROM investigations WHERE incident_id = ?", incident_id)
    number = 1 + int(row[0] if row else 0)
    body = investigation.model_dump_json(by_alias=True)
    tx.run("INSERT INTO investigations VALUES (?, ?, ?, ?)", incident_id, number, instant(tx.now), body)


def investigations(query: Query, *, incident_id: IncidentId) -> list[Investigation]:
    """The investigations of an incident, oldest first."""
    rows = query.all("SELECT body FROM investigations WHERE incident_id = ? ORDER BY number", incident_id)
    return [Investigation.model_validate_json(body) for (body,) in rows]


def listed(query: Query, *, limit: int) -> list[Incident]:
    """Incidents, newest first."""
    rows = query.all(f"SELECT {_COLUMNS} FROM incidents ORDER BY started_at DESC LIMIT ?", limit)  # noqa: S608 - fixed
    return [_incident(row) for row in rows]


def _of_alert(query: Query, fingerprint: str, started_at: datetime) -> Incident | None:
    where = "fingerprint = ? AND started_at = ?"
    row = query.one(f"SELECT {_COLUMNS} FROM incidents WHERE {where}", fingerprint, instant(started_at))  # noqa: S608 - fixed
    return _incident(row) if row else None


def _incident(row: tuple[str, ...]) -> Incident:
    return Incident(
        id=IncidentId(row[0]),
        fingerprint=row[1],
        started_at=datetime.fromisoformat(row[2]),
        opened_at=datetime.fromisoformat(row[3]),
    )
