"""A SQLite file as a service sees its database: each statement a span, each commit through the disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from opentelemetry.trace import Span, SpanKind, Tracer

ROUND_TRIP_S = 0.0006
"""What a statement takes to a database on another machine of the same network."""

T = TypeVar("T")


@dataclass(slots=True)
class Disk:
    """The disk under a database. A fault makes it slow."""

    extra_s: float = 0.0


@dataclass(slots=True)
class Database:
    """One connection. Writes are serialised, as they are behind one disk."""

    path: Path
    tracer: Tracer
    disk: Disk
    connection: sqlite3.Connection = field(init=False)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.connection = sqlite3.connect(self.path, isolation_level=None, timeout=2.0)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")

    async def query(self, name: str, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows. name: of the span, for example `SELECT products`."""
        with self._span(name):
            await asyncio.sleep(ROUND_TRIP_S)
            return self.connection.execute(sql, parameters).fetchall()

    async def write(self, name: str, change: Callable[[sqlite3.Connection], T]) -> T:
        """What `change(connection)` gives back, run inside one write transaction."""
        with self._span(name):
            async with self._writing:
                await asyncio.sleep(ROUND_TRIP_S + self.disk.extra_s)
                with self._transaction() as connection:
                    return change(connection)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        # Nothing may be awaited inside: it locks out the other pool.
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def _span(self, name: str) -> AbstractContextManager[Span]:
        kind, _, table = name.partition(" ")
        return self.tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "sqlite", "db.operation.name": kind, "db.collection.name": table},
        )
