"""Finds out whether a journal is what was written, and exports it. Needs the key file; changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from steersman.domain.errors import ConfigError, IntegrityError
from steersman.domain.fact import canonical
from steersman.journal.anchor import Anchor, Mark, anchor_path
from steersman.journal.chain import COLUMNS, Row, entry
from steersman.journal.inspection import AuditProblem, Inspection
from steersman.journal.keyring import Keyring
from steersman.journal.schema import migrate, newest, version
from steersman.journal.sqlite import SqliteSql, connected


def verify(path: Path, keyring: Keyring) -> list[AuditProblem]:
    """Everything that is wrong with the journal; empty when it is what was written.

    Raises ConfigError when there is none, or when it is of another schema version.
    """
    if not path.exists():
        raise ConfigError(f"there is no journal at {str(path)!r}; STEER_HOME says where it is looked for")
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        _refuse_other_version(path, connection)
        # One read transaction: what others append meanwhile is not half seen.
        connection.execute("BEGIN")
        return _file_problems(connection) or Inspection(SqliteSql(connection), keyring).problems(anchor_path(path))
    except sqlite3.DatabaseError as e:
        return [AuditProblem(code="file", reason=f"the file is damaged: {e}")]
    finally:
        connection.close()


def export(path: Path, keyring: Keyring) -> Iterator[str]:
    """The journal as JSON lines, oldest entry first. Raises IntegrityError at the first altered entry."""
    connection = connected(path)
    try:
        for row in connection.execute(f"SELECT {COLUMNS} FROM entries ORDER BY seq"):  # noqa: S608 - fixed texts
            yield canonical(entry(keyring, Row(*row))).decode()
    finally:
        connection.close()


def reanchor(path: Path, keyring: Keyring) -> None:
    """Writes the anchor anew at the end of the chain, for when the file was lost. The chain itself must verify.

    What was cut off the end before cannot be seen afterwards: that is why only an operator calls this.
    """
    wrong = [problem for problem in verify(path, keyring) if problem.code != "anchor"]
    if wrong:
        raise IntegrityError(f"the journal has {len(wrong)} other problems, the first {wrong[0].reason!r}; restore it")
    connection = connected(path)
    try:
        row = connection.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    finally:
        connection.close()
    anchor = Anchor(anchor_path(path), keyring)
    try:
        anchor.reset(Mark(*row) if row else Mark(0, ""))
    finally:
        anchor.close()


def _file_problems(connection: sqlite3.Connection) -> list[AuditProblem]:
    """What the database itself finds wrong, an index that hides rows for example."""
    said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
    damage = [AuditProblem(code="file", reason=text) for text in said if text != "ok"]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        differing = sorted(_schema(fresh) ^ _schema(connection))
    return damage + [AuditProblem(code="schema", reason=f"{kind} {name!r} differs") for kind, name, _ in differing]


def _schema(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Tables, indexes and triggers: an added trigger could change what is written."""
    return {
        (str(kind), str(name), str(sql))
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master")
        if not str(name).startswith("sqlite_stat")
    }


def _refuse_other_version(path: Path, connection: sqlite3.Connection) -> None:
    found = version(connection)
    if found != newest():
        raise ConfigError(
            f"the journal {str(path)!r} has schema version {found}, this Steersman reads {newest()}; open it once first"
        )
