"""The journal in PostgreSQL, for several machines: the same operations, serialised by an advisory lock.

The anchor stays a file on each machine: each holds the database to what that machine has seen of it.
Needs the extra `postgres`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from steersman.domain.errors import ConfigError, UnavailableError
from steersman.domain.ports import Clock
from steersman.journal.anchor import Anchor, Mark
from steersman.journal.chain import START, Head
from steersman.journal.continuity import catch_up, genuine
from steersman.journal.inspection import AuditProblem, Inspection
from steersman.journal.keyring import Keyring
from steersman.journal.known import Known
from steersman.journal.migrations import migrations
from steersman.journal.sql import SqlJournal
from steersman.journal.transaction import Query, Transaction, read_head
from steersman.journal.writer import GroupWriter

T = TypeVar("T")

LOCK = 0x57EE_25A1
"""Key of the advisory lock that one writer at a time holds; it goes with its transaction."""


class PostgresSql:
    """`transaction.Sql` on a psycopg connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a statement; its rows, if it has any."""
        cursor = self._connection.execute(statement.replace("?", "%s").encode(), tuple(parameters))
        return cursor.fetchall() if cursor.description else []


def connected(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection whose commits are durable. Transactions are begun and ended by hand."""
    try:
        connection = psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError as e:
        raise UnavailableError(f"the journal's PostgreSQL server cannot be reached: {e}") from e
    connection.execute("SET synchronous_commit = on")
    return connection


class PostgresStore:
    """A writing connection; waits for the writers of other processes and machines."""

    def __init__(self, url: str, keyring: Keyring, clock: Clock, *, anchor: Path) -> None:
        self._connection = connected(url)
        self._sql = PostgresSql(self._connection)
        self._keyring = keyring
        self._clock = clock
        self._anchor = Anchor(anchor, keyring)
        self._start: Head = START
        self._trusted: Head = START
        self._known = Known()

    def begin(self) -> Transaction:
        """Opens a transaction that nobody can write beside. Raises IntegrityError for a broken journal."""
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        self._start = read_head(self._sql)
        if self._start != self._trusted:
            self._trusted = genuine(self._sql, head=self._start, keyring=self._keyring)
        catch_up(self._sql, self._anchor, head=self._start, keyring=self._keyring)
        now = self._clock.now()
        return Transaction(self._sql, head=self._start, keyring=self._keyring, clock_now=now, known=self._known)

    def commit(self, head: Head) -> None:
        """Commits, and moves this machine's anchor to the new head."""
        self._connection.execute("COMMIT")
        if head.seq > self._start.seq:
            self._trusted = head
            self._anchor.advance(Mark(head.seq, head.hash))

    def control(self, statement: str) -> None:
        """SAVEPOINT, ROLLBACK and the like; nothing to roll back is well."""
        idle = self._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        if not self._connection.closed and not (idle and statement.startswith("ROLLBACK")):
            self._connection.execute(statement.encode())

    def translated(self, error: BaseException) -> BaseException:
        """Database errors as ours."""
        return translated(error)

    def tend(self) -> None:
        """The server does its own housekeeping."""

    def close(self) -> None:
        """Gives connection and anchor back."""
        self._connection.close()
        self._anchor.close()


class PostgresReader:
    """The reading connection; its reads wait for the network in a thread."""

    def __init__(self, url: str, keyring: Keyring, clock: Clock) -> None:
        self._connection = connected(url)
        self._sql = PostgresSql(self._connection)
        self._keyring = keyring
        self._clock = clock
        self._known = Known()
        self._turn = asyncio.Lock()

    async def read(self, work: Callable[[Query], T]) -> T:
        """Runs a read on what is committed."""
        query = Query(self._sql, keyring=self._keyring, clock_now=self._clock.now(), known=self._known)
        async with self._turn:
            try:
                return await asyncio.to_thread(work, query)
            except psycopg.Error as e:
                raise translated(e) from e

    async def close(self) -> None:
        """Gives the connection back."""
        self._connection.close()


class PostgresJournal(SqlJournal):
    """The journal for several machines. Open it with `PostgresJournal.open`."""

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, keyring: Keyring, clock: Clock, *, anchor: Path) -> AsyncIterator[PostgresJournal]:
        """Opens or creates the journal in this database, migrates it, and checks its end against the anchor.

        `url`: a PostgreSQL connection string. Raises ConfigError for a journal of a newer version, UnavailableError
        when the server cannot be reached, IntegrityError for a journal that was altered.
        """
        await asyncio.to_thread(_prepare, url, keyring, anchor=anchor)
        far = await asyncio.to_thread(PostgresStore, url, keyring, clock, anchor=anchor)
        reader = await asyncio.to_thread(PostgresReader, url, keyring, clock)
        journal = cls(GroupWriter(far, None), reader)
        try:
            yield journal
        finally:
            await journal.close()


def verify(url: str, keyring: Keyring, *, anchor: Path) -> list[AuditProblem]:
    """Everything that is wrong with the journal; empty when it is what was written."""
    connection = connected(url)
    try:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return Inspection(PostgresSql(connection), keyring).problems(anchor)
    finally:
        connection.close()


def translated(error: BaseException) -> BaseException:
    """The error of our tree that stands for one of PostgreSQL's; others stay what they are."""
    if isinstance(error, psycopg.OperationalError):
        return UnavailableError(f"the journal's PostgreSQL server could not do it: {error}; look at the server")
    return error


def _prepare(url: str, keyring: Keyring, *, anchor: Path) -> None:
    connection = connected(url)
    mark = Anchor(anchor, keyring)
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            _migrate(connection)
            sql = PostgresSql(connection)
            head = read_head(sql)
            if mark.read() is None:
                # A machine that joins has seen nothing yet; it trusts what verifies from the first entry on.
                mark.advance(Mark(0, ""))
            catch_up(sql, mark, head=head, keyring=keyring)
    finally:
        connection.close()
        mark.close()


def _migrate(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS journal_version (version INTEGER NOT NULL)")
    row = connection.execute("SELECT version FROM journal_version").fetchone()
    found, newest = (int(row[0]) if row else 0), max(migrations())
    if found > newest:
        raise ConfigError(f"the journal has schema version {found}, this Steersman knows {newest}; upgrade Steersman")
    for number, statements in migrations().items():
        for statement in statements if number > found else ():
            connection.execute(statement.encode())
    if found < newest:
        connection.execute("DELETE FROM journal_version")
        connection.execute("INSERT INTO journal_version VALUES (%s)", (newest,))
