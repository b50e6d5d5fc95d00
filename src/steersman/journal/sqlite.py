"""The journal in a SQLite file: WAL, `synchronous=FULL`, any number of processes, one writer thread in each."""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from steersman.domain.errors import IntegrityError, UnavailableError
from steersman.domain.ports import Clock
from steersman.journal.anchor import Anchor, Mark, anchor_path
from steersman.journal.chain import START, Head
from steersman.journal.continuity import catch_up, genuine
from steersman.journal.keyring import Keyring
from steersman.journal.known import Known
from steersman.journal.schema import migrate
from steersman.journal.sql import SqlJournal
from steersman.journal.transaction import Query, Transaction, read_head
from steersman.journal.writer import GroupWriter

T = TypeVar("T")

BUSY_TIMEOUT_S = 60.0
"""How long the writer thread waits for writers of other processes."""


class SqliteSql:
    """`transaction.Sql` on a connection of the standard library."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a statement; its rows, if it has any."""
        return self._connection.execute(statement, parameters).fetchall()


def connected(path: Path, *, waits: bool = True) -> sqlite3.Connection:
    """A connection with the settings that durability rests on. Transactions are begun and ended by hand."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    if not waits:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


class SqliteStore:
    """A writing connection; refuses to continue a chain that is not the one that the anchor knows."""

    def __init__(self, path: Path, keyring: Keyring, clock: Clock, *, waits: bool = True) -> None:
        self._connection = connected(path, waits=waits)
        self._waits = waits
        self._sql = SqliteSql(self._connection)
        self._keyring = keyring
        self._clock = clock
        self._anchor = Anchor(anchor_path(path), keyring)
        self._start: Head = START
        self._trusted: Head = START
        self._known = Known()

    def begin(self) -> Transaction | None:
        """Opens a transaction that nobody can write beside; None when it would have to wait and may not.

        Raises IntegrityError for a journal that is not what was written.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode == sqlite3.SQLITE_BUSY and not self._waits:
                return None
            raise
        self._start = read_head(self._sql)
        if self._start != self._trusted:
            self._trusted = genuine(self._sql, head=self._start, keyring=self._keyring)
        catch_up(self._sql, self._anchor, head=self._start, keyring=self._keyring)
        now = self._clock.now()
        return Transaction(self._sql, head=self._start, keyring=self._keyring, clock_now=now, known=self._known)

    def commit(self, head: Head) -> None:
        """Commits, and moves the anchor to the new head."""
        self._connection.execute("COMMIT")
        if head.seq > self._start.seq:
            self._trusted = head
            self._anchor.advance(Mark(head.seq, head.hash))

    def control(self, statement: str) -> None:
        """SAVEPOINT, ROLLBACK and the like; nothing to roll back is well."""
        if self._connection.in_transaction or not statement.startswith("ROLLBACK"):
            self._connection.execute(statement)

    def translated(self, error: BaseException) -> BaseException:
        """Database errors as ours."""
        return translated(error)

    def tend(self) -> None:
        """Copies the write-ahead log into the database, as far as readers allow."""
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.OperationalError:
            # Everything is durable in the log; it is tried again some commits later, and a full disk shows there.
            return

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
        self._known = Known()

    async def read(self, work: Callable[[Query], T]) -> T:
        """Runs a read on what is committed."""
        try:
            now = self._clock.now()
            return work(Query(self._sql, keyring=self._keyring, clock_now=now, known=self._known))
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
        near = SqliteStore(path, keyring, clock, waits=False)
        writer = GroupWriter(SqliteStore(path, keyring, clock), near)
        journal = cls(writer, SqliteReader(path, keyring, clock))
        try:
            yield journal
        finally:
            await journal.close()


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
    """One process at a time: switching a new file to WAL does not wait for others, it fails."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make_ready(path, keyring)


def _make_ready(path: Path, keyring: Keyring) -> None:
    connection = connected(path)
    anchor = Anchor(anchor_path(path), keyring)
    try:
        migrate(connection)
        sql = SqliteSql(connection)
        head = read_head(sql)
        if head.seq == 0:
            anchor.advance(Mark(0, ""))
        catch_up(sql, anchor, head=head, keyring=keyring)
    except sqlite3.Error as e:
        raise translated(e) from e
    finally:
        connection.close()
        anchor.close()
