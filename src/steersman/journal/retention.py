"""Takes old finished runs out of the journal, into an archive file, and leaves signed records in their place.

A record names a stretch of the chain that was cut and the hashes at both its ends; without the key none can be made,
so a verification steps over exactly what retention took and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from steersman.domain.errors import InputError
from steersman.domain.event import FINAL, CallIntended, CallSettled
from steersman.domain.fact import canonical
from steersman.journal.chain import COLUMNS, SYSTEM, Row, entry, instant
from steersman.journal.keyring import Keyring
from steersman.journal.transaction import Sql, Transaction


class Cut(NamedTuple):
    """A stretch of the chain that was archived."""

    first_seq: int
    last_seq: int
    before_hash: str
    last_hash: str
    last_at: str
    archive: str
    at: str
    signature: str

    def message(self) -> bytes:
        """What is signed."""
        return canonical(list(self[:-1]))

    def intact(self, keyring: Keyring) -> bool:
        """Whether the record is what was written."""
        return keyring.verifies("cut", self.message(), self.signature)


def cuts(sql: Sql) -> list[Cut]:
    """All records, in the order of the chain."""
    return [Cut(*row) for row in sql.rows("SELECT * FROM cuts ORDER BY first_seq")]


def retire(tx: Transaction, *, before: datetime, archive: Path) -> int:
    """Moves runs that were finished before an instant into a new archive file; the number of runs.

    The file is durable before anything is deleted. The newest entry always stays: the anchor names it.
    Raises InputError when the archive file exists.
    """
    runs = _old_runs(tx, before)
    rows = [row for run_id in runs for row in _rows_of(tx, run_id)]
    if not rows:
        return 0
    rows.sort()
    _write_archive(archive, [canonical(entry(tx.keyring, row)) for row in rows])
    for stretch in _stretches(rows):
        _record(tx, stretch, archive=archive.name)
    for run_id in runs:
        _delete(tx, run_id)
    return len(runs)


def _old_runs(tx: Transaction, before: datetime) -> list[str]:
    found = tx.all("SELECT run_id, state FROM runs WHERE moved_at < ? ORDER BY first_seq", instant(before))
    newest = tx.one("SELECT run_id FROM entries ORDER BY seq DESC LIMIT 1")
    finished = [str(run_id) for run_id, state in found if state in FINAL] + _loose_runs(tx, before)
    return [run_id for run_id in finished if newest is None or run_id != newest[0]]


def _loose_runs(tx: Transaction, before: datetime) -> list[str]:
    """Calls outside of plans have runs of their own that never move: old ones without an open intent."""
    grouped = tx.all(
        "SELECT run_id FROM entries WHERE run_id <> ? AND run_id NOT IN (SELECT run_id FROM runs) "
        "GROUP BY run_id HAVING MAX(at) < ? ORDER BY MIN(seq)",
        SYSTEM,
        instant(before),
    )
    return [str(run_id) for (run_id,) in grouped if not _open_intents(tx, str(run_id))]


def _open_intents(tx: Transaction, run_id: str) -> bool:
    events = [entry.event for entry in tx.entries("run_id = ? AND ref IS NOT NULL ORDER BY seq", run_id)]
    results = {(e.step_id, e.direction, e.attempt): e.result for e in events if isinstance(e, CallSettled)}
    intents = {(e.step_id, e.direction, e.attempt) for e in events if isinstance(e, CallIntended)}
    return any(results.get(intent, "unknown") == "unknown" for intent in intents)


def _rows_of(tx: Transaction, run_id: str) -> list[Row]:
    found = tx.all(f"SELECT {COLUMNS} FROM entries WHERE run_id = ? ORDER BY seq", run_id)  # noqa: S608 - fixed texts
    return [Row(*row) for row in found]


def _write_archive(archive: Path, lines: Sequence[bytes]) -> None:
    try:
        descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as e:
        raise InputError(f"the archive {str(archive)!r} exists; name a new file") from e
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(line + b"\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def _stretches(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows in runs of consecutive numbers."""
    found: list[list[Row]] = []
    for row in rows:
        if found and found[-1][-1].seq + 1 == row.seq:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _record(tx: Transaction, stretch: Sequence[Row], *, archive: str) -> None:
    first, last = stretch[0], stretch[-1]
    cut = Cut(first.seq, last.seq, first.previous, last.hash, last.at, archive, instant(tx.now), "")
    signature = tx.keyring.sign("cut", cut.message())
    tx.run("INSERT INTO cuts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *cut[:-1], signature)


def _delete(tx: Transaction, run_id: str) -> None:
    tx.run("DELETE FROM votes WHERE approval_id IN (SELECT approval_id FROM approvals WHERE run_id = ?)", run_id)
    for table in ("approvals", "entries", "runs", "leases", "ledger"):
        tx.run(f"DELETE FROM {table} WHERE run_id = ?", run_id)  # noqa: S608 - fixed texts
