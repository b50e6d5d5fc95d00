"""The hash chain: each entry's hash is a keyed MAC over the former hash and everything in the entry.

Keyed, so that whoever can write the file but has no key can neither edit nor add an entry; the anchor file holds the
head, so that cutting off the end is seen as well.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from steersman.domain.errors import IntegrityError
from steersman.domain.event import ApprovalMoved, CallIntended, CallSettled, Entry, Event, SwitchMoved
from steersman.domain.ids import RunId
from steersman.journal.keyring import Keyring

SYSTEM = RunId("system")
"""Where entries go that belong to no run: the kill switch, votes on requests that nobody made."""

SWITCH = "switch"

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

COLUMNS = "seq, run_id, at, kind, ref, body, previous, hash"


class Row(NamedTuple):
    """An entry as it is stored. `kind` and `ref` repeat what stands in the body, for the index."""

    seq: int
    run_id: str
    at: str
    kind: str
    ref: str | None
    body: str
    previous: str
    hash: str


class Head(NamedTuple):
    """The end of the chain."""

    seq: int
    hash: str
    at: datetime


START = Head(0, "", datetime(1970, 1, 1, tzinfo=UTC))


def step_ref(step_id: str, direction: str) -> str:
    """Index key of the intents and settlements of one step in one direction."""
    return f"{step_id}/{direction}"


def ref(event: Event) -> str | None:
    """Index key of an event, where it has one."""
    match event:
        case CallIntended() | CallSettled():
            return step_ref(event.step_id, event.direction)
        case ApprovalMoved():
            return event.approval_id
        case SwitchMoved():
            return SWITCH
        case _:
            return None


def instant(at: datetime) -> str:
    """UTC, fixed width, so that texts sort as instants do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def sealed(keyring: Keyring, head: Head, *, run_id: str, event: Event, at: str) -> Row:
    """The row that continues the chain with an event."""
    body = event.model_dump_json(by_alias=True)
    seq = head.seq + 1
    mac = keyring.sign("entry", _message(seq, run_id, at, previous=head.hash, body=body))
    return Row(seq, run_id, at, event.kind, ref(event), body, head.hash, mac)


def intact(keyring: Keyring, row: Row) -> bool:
    """Whether the row is what was written: its MAC is right."""
    data = _message(row.seq, row.run_id, row.at, previous=row.previous, body=row.body)
    return keyring.verifies("entry", data, row.hash)


def entry(keyring: Keyring, row: Row) -> Entry:
    """The entry of a stored row. Raises IntegrityError when it was altered or cannot be read."""
    if not intact(keyring, row):
        raise IntegrityError(f"entry {row.seq} of run {row.run_id!r} was altered; `steer audit verify` shows where")
    try:
        event = EVENT.validate_json(row.body)
        at = datetime.fromisoformat(row.at)
    except (ValidationError, ValueError) as e:
        raise IntegrityError(f"entry {row.seq} cannot be read by this version; upgrade Steersman") from e
    return Entry(seq=row.seq, run_id=RunId(row.run_id), at=at, event=event, previous=row.previous, hash=row.hash)


def _message(seq: int, run_id: str, at: str, *, previous: str, body: str) -> bytes:
    """Unambiguous: the one free text before the body comes with its length."""
    return f"{seq} {at} {previous} {len(run_id)} {run_id} {body}".encode()
