"""Brings a SQLite journal to the newest schema version, whatever version wrote it."""

from __future__ import annotations

import sqlite3

from steersman.domain.errors import ConfigError
from steersman.journal.migrations import migrations


def newest() -> int:
    """The schema version that this code writes."""
    return max(migrations())


def version(connection: sqlite3.Connection) -> int:
    """The schema version of a journal; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, *, to: int | None = None) -> None:
    """Runs the missing migrations, all in one transaction. Raises ConfigError for a journal of a newer version."""
    target = newest() if to is None else to
    if version(connection) == target:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply(connection, target)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _apply(connection: sqlite3.Connection, target: int) -> None:
    found = version(connection)
    if found > target:
        raise ConfigError(f"the journal has schema version {found}, this Steersman knows {target}; upgrade Steersman")
    for number, statements in migrations().items():
        if found < number <= target:
            for statement in statements:
                connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {target}")
