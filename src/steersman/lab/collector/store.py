"""An hour of telemetry in a SQLite file of its own: no journal, no sync, since it is lost with the lab anyway."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT_S = 3_600
TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE spans(start_ns INTEGER, duration_ns INTEGER, trace BLOB, span BLOB, parent BLOB, service TEXT,
    instance TEXT, version TEXT, pool TEXT, name TEXT, kind TEXT, error INTEGER, status TEXT);
CREATE INDEX spans_by_kind ON spans(kind, service, start_ns);
CREATE INDEX spans_by_time ON spans(start_ns);
CREATE TABLE logs(at_ns INTEGER, service TEXT, instance TEXT, version TEXT, pool TEXT, level TEXT, message TEXT,
    trace BLOB, span BLOB);
CREATE INDEX logs_by_time ON logs(at_ns);
CREATE TABLE points(at_ns INTEGER, name TEXT, service TEXT, instance TEXT, version TEXT, pool TEXT, value REAL);
CREATE INDEX points_by_name ON points(name, service, at_ns);
CREATE TABLE changes(at_ns INTEGER, service TEXT, kind TEXT, what TEXT);
"""
TIME = {"spans": "start_ns", "logs": "at_ns", "points": "at_ns", "changes": "at_ns"}
WIDTH = {"spans": 13, "logs": 9, "points": 7, "changes": 4}
Row = tuple[Any, ...]


@dataclass(slots=True)
class Store:
    """The four tables."""

    path: Path
    connection: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.path.unlink(missing_ok=True)
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.executescript(TABLES)

    def add(self, table: str, rows: Iterable[Row]) -> None:
        """Keeps rows, in the order of the table's columns."""
        marks = ",".join("?" * WIDTH[table])
        self.connection.execute("BEGIN")
        self.connection.executemany(f"INSERT INTO {table} VALUES({marks})", rows)
        self.connection.execute("COMMIT")

    def ask(self, sql: str, parameters: Sequence[Any]) -> list[Row]:
        """All rows of a query."""
        return self.connection.execute(sql, parameters).fetchall()

    def forget(self, now_ns: int) -> None:
        """Drops what is older than an hour."""
        for table, column in TIME.items():
            oldest = now_ns - KEPT_S * 1_000_000_000
            self.connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (oldest,))  # noqa: S608 - names are ours
