"""What the operations of a journal work on: queries, and a transaction that can continue the chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from steersman.domain.errors import ConcurrencyError, IntegrityError
from steersman.domain.event import Entry, Event, RunMoved, RunPlanned
from steersman.journal.chain import COLUMNS, START, Head, Row, entry, instant, sealed
from steersman.journal.keyring import Keyring
from steersman.journal.known import Known

_INSERT = f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - fixed texts


class Sql(Protocol):
    """One connection. Statements mark parameters with `?`."""

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a statement; its rows, if it has any."""
        ...


class Query:
    """Reads. `now` never goes back: it is the clock's, or the newest entry's when that is later."""

    def __init__(self, sql: Sql, *, keyring: Keyring, clock_now: datetime, known: Known | None = None) -> None:
        self.sql = sql
        self.keyring = keyring
        self.known = known or Known()
        self._clock_now = clock_now

    @property
    def now(self) -> datetime:
        """The instant that expiry is measured against."""
        return max(self._clock_now, self.head.at)

    @property
    def head(self) -> Head:
        """The end of the chain."""
        return read_head(self.sql)

    def one(self, statement: str, *parameters: object) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        rows = self.sql.rows(statement, parameters)
        return rows[0] if rows else None

    def all(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.sql.rows(statement, parameters)

    def entries(self, where: str, *parameters: object) -> list[Entry]:
        """The entries that a condition (with its order) selects. Raises IntegrityError for an altered one."""
        return [entry(self.keyring, row) for row in self.raw(where, *parameters)]

    def raw(self, where: str, *parameters: object) -> tuple[Row, ...]:
        """The stored rows that a condition (with its order) selects, unverified."""
        found = self.sql.rows(f"SELECT {COLUMNS} FROM entries WHERE {where}", parameters)  # noqa: S608 - fixed texts
        return tuple(Row(*row) for row in found)


class Transaction(Query):
    """Reads and writes that become durable together, with the end of the chain in hand."""

    def __init__(
        self, sql: Sql, *, head: Head, keyring: Keyring, clock_now: datetime, known: Known | None = None
    ) -> None:
        super().__init__(sql, keyring=keyring, clock_now=clock_now, known=known)
        at = max(head.at, clock_now)
        self._head = Head(head.seq, head.hash, at)
        self._at = instant(at)

    @property
    def head(self) -> Head:
        """The end of the chain, with what this transaction has added."""
        return self._head

    def rewind(self, head: Head) -> None:
        """Forgets what was added behind `head`, after a rollback to there."""
        self._head = head

    def run(self, statement: str, *parameters: object) -> None:
        """A statement that gives nothing back."""
        self.sql.rows(statement, parameters)

    def append(self, run_id: str, events: Iterable[Event]) -> None:
        """Continues the chain."""
        for event in events:
            row = sealed(self.keyring, self._head, run_id=run_id, event=event, at=self._at)
            self.sql.rows(_INSERT, row)
            self._head = Head(row.seq, row.hash, self._head.at)
            if isinstance(event, RunPlanned):
                self._begin_run(row)
            elif isinstance(event, RunMoved):
                self._move_run(row, event.state)

    def _begin_run(self, row: Row) -> None:
        if self.one("SELECT 1 FROM entries WHERE run_id = ? AND seq < ? LIMIT 1", row.run_id, row.seq):
            raise ConcurrencyError(f"run {row.run_id!r} has begun already; a plan is a run's first entry")
        self.run("INSERT INTO runs VALUES (?, 'planned', ?, ?, ?)", row.run_id, row.seq, row.seq, row.at)

    def _move_run(self, row: Row, state: str) -> None:
        change = "UPDATE runs SET state = ?, last_seq = ?, moved_at = ? WHERE run_id = ?"
        self.run(change, state, row.seq, row.at, row.run_id)


def read_head(sql: Sql) -> Head:
    """The end of the stored chain. Raises IntegrityError when it cannot be read."""
    rows = sql.rows("SELECT seq, hash, at FROM entries ORDER BY seq DESC LIMIT 1")
    if not rows:
        return START
    seq, digest, at = rows[0]
    try:
        return Head(int(seq), str(digest), datetime.fromisoformat(str(at)).astimezone(UTC))
    except (ValueError, OverflowError) as e:
        raise IntegrityError(
            f"the instant of the last entry was altered: {at!r}; `steer audit verify` shows more"
        ) from e
