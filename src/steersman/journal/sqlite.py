"""The journal in a SQLite file: WAL, `synchronous=FULL`, any number of processes, one writer thread in each."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from steersman.domain.errors import IntegrityError, UnavailableError
from steersman.domain.ports import Clock
from steersman.journal.anchor import Anchor, Mark, anchor_path
from steersman.journal.chain import START, Head
from steersman.journal.keyring import Keyring
from steersman.journal.schema import migrate
from steersman.journal.sql import SqlJournal
from steersman.journal.transaction import Query, Sql, Transaction, read_head
from steersman.journal.writer import GroupWriter

T = TypeVar("T")

BUSY_TIMEOUT_S = 60.0
"""How long a writer waits for those of other processes."""


class SqliteSql:
    """`transaction.Sql` on a connection of the standard library."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a statement; its rows, if it has any."""
        return self._connection.execute(statement, parameters).fetchall()


def connected(path: Path) -> sqlite3.Connection:
    """A connection with the settings that durability rests on. Transactions are begun and ended by hand."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


class SqliteStore:
    """The writing connection; refuses to continue a chain that is not the one that the anchor knows."""

    def __init__(self, path: Path, keyring: Keyring, clock: Clock) -> None:
        self._connection = connected(path)
        self._sql = SqliteSql(self._connection)
        self._keyring = keyring
        self._clock = clock
        self._anchor = Anchor(anchor_path(path), keyring)
        self._start: Head = START

    def begin(self) -> Transaction:
        """Opens a transaction that no other process can write beside. Raises IntegrityError for a broken journal."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._start = read_head(self._sql)
        check_anchor(self._sql, self._anchor, head=self._start)
        return Transaction(self._sql, head=self._start, keyring=self._keyring, clock_now=self._clock.now())

    def commit(self, head: Head) -> None:
        """Commits, and moves the anchor to the new head."""
        self._connection.execute("COMMIT")
        if head.seq > self._start.seq:
            self._anchor.advance(Mark(head.seq, head.hash))

    def control(self, statement: str) -> None:
        """SAVEPOINT, ROLLBACK and the like."""
        if self._connection.in_transaction:
            self._connection.execute(statement)

    def translated(self, error: BaseException) -> BaseException:
        """Database errors as ours."""
        return translated(error)

    def close(self) -> None:
        """Gives connection and anchor back."""
        self._connection.close()
        self._anchor.close()


class SqliteReader:
    """The reading connection. Reads are short and run in the event loop: WAL readers wait for nobody."""

    def __init__(self, path: Path, keyring: Keyring, clock: Clock) -> None:
        self._connection = connected(path)
        self._connection.execute("PRAGMA query_only = ON")
        self._sql = SqliteSql(self._connection)
        self._keyring = keyring
        self._clock = clock

    async def read(self, work: Callable[[Query], T]) -> T:
        """Runs a read on what is committed."""
        try:
            return work(Query(self._sql, keyring=self._keyring, clock_now=self._clock.now()))
        except sqlite3.Error as e:
            raise translated(e) from e

    async def close(self) -> None:
        """Gives the connection back."""
        self._connection.close()


class SqliteJournal(SqlJournal):
    """The default journal. Open it with `SqliteJournal.open`."""

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, keyring: Keyring, clock: Clock) -> AsyncIterator[SqliteJournal]:
        """Opens or creates the journal, migrates it, and checks its end against the anchor.

        Raises ConfigError for one of a newer version, IntegrityError for one that was altered.
        """
        await asyncio.to_thread(_prepare, path, keyring)
        writer = GroupWriter(lambda: SqliteStore(path, keyring, clock))
        journal = cls(writer, SqliteReader(path, keyring, clock))
        try:
            yield journal
        finally:
            await journal.close()


def check_anchor(sql: Sql, anchor: Anchor, *, head: Head) -> None:
    """Raises IntegrityError unless the chain still has the entry that the anchor names."""
    mark = anchor.read()
    if mark is None:
        raise IntegrityError(f"the anchor {str(anchor.path)!r} of the journal is missing; restore both from a backup")
    if (mark.seq, mark.hash) == (head.seq, head.hash) or mark.seq == 0:
        return
    found = sql.rows("SELECT hash FROM entries WHERE seq = ?", (mark.seq,))
    if not found or found[0][0] != mark.hash:
        raise IntegrityError(
            f"the journal's entry {mark.seq} is gone or altered; `steer audit verify` shows more, `steer restore` mends"
        )


def translated(error: BaseException) -> BaseException:
    """The error of our tree that stands for one of SQLite's; others stay what they are."""
    if isinstance(error, sqlite3.OperationalError):
        return UnavailableError(
            f"the journal could not be written or read: {error}; check disk space and other processes"
        )
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.IntegrityError):
        return IntegrityError(f"the journal file is damaged: {error}; restore it from a backup")
    return error


def _prepare(path: Path, keyring: Keyring) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = connected(path)
    anchor = Anchor(anchor_path(path), keyring)
    try:
        migrate(connection)
        sql = SqliteSql(connection)
        head = read_head(sql)
        if head.seq == 0:
            anchor.advance(Mark(0, ""))
        check_anchor(sql, anchor, head=head)
    except sqlite3.Error as e:
        raise translated(e) from e
    finally:
        connection.close()
        anchor.close()
