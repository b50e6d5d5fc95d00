"""Backup and restore of a SQLite journal: an online copy with an anchor of its own, verified before it is believed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from steersman.domain.errors import InputError, IntegrityError
from steersman.journal import audit
from steersman.journal.anchor import Anchor, Mark, anchor_path
from steersman.journal.keyring import Keyring
from steersman.journal.schema import migrate
from steersman.journal.sqlite import SqliteSql, connected
from steersman.journal.transaction import read_head


def backup(journal: Path, target: Path, keyring: Keyring) -> None:
    """Copies a journal that may be in use, and verifies the copy.

    Raises InputError when the target exists, IntegrityError when the journal is not what was written.
    """
    if target.exists() or anchor_path(target).exists():
        raise InputError(f"{str(target)!r} exists; name a new file for the backup")
    if not journal.exists():
        raise InputError(f"there is no journal at {str(journal)!r}; nothing to back up")
    # The mark before the copy: the copy must contain it, so a journal that was cut off is not backed up as if whole.
    mark = _mark(journal, keyring)
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy(journal, target)
    _set_mark(target, mark, keyring)
    _believe(target, keyring)
    _set_mark(target, _end(target), keyring)


def restore(source: Path, journal: Path, keyring: Keyring, *, force: bool = False) -> None:
    """Puts a verified backup in the place of a journal.

    Raises InputError over a journal that has entries, unless forced; processes that have it open must be restarted.
    """
    if not source.exists():
        raise InputError(f"there is no backup at {str(source)!r}")
    if journal.exists() and not force and _end(journal).seq > 0:
        raise InputError(f"the journal {str(journal)!r} has entries; restoring over it wants force")
    _believe(source, keyring)
    journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _copy(source, journal)
    _set_mark(journal, _end(journal), keyring)
    _believe(journal, keyring)


def _believe(path: Path, keyring: Keyring) -> None:
    connection = connected(path)
    try:
        migrate(connection)
    finally:
        connection.close()
    problems = audit.verify(path, keyring)
    if problems:
        raise IntegrityError(f"{str(path)!r} is not what was written: {problems[0].reason}; take another backup")


def _copy(source: Path, target: Path) -> None:
    origin, copy = connected(source), connected(target)
    try:
        origin.backup(copy)
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        origin.close()
        copy.close()
    target.chmod(0o600)


def _end(path: Path) -> Mark:
    connection = connected(path)
    try:
        head = read_head(SqliteSql(connection))
    except sqlite3.OperationalError:
        # An empty file: no table yet.
        return Mark(0, "")
    finally:
        connection.close()
    return Mark(head.seq, head.hash)


def _mark(path: Path, keyring: Keyring) -> Mark:
    anchor = Anchor(anchor_path(path), keyring)
    try:
        mark = anchor.read()
    finally:
        anchor.close()
    if mark is None:
        raise IntegrityError(f"the anchor of {str(path)!r} is missing; `steer audit verify` shows what stands")
    return mark


def _set_mark(path: Path, mark: Mark, keyring: Keyring) -> None:
    anchor = Anchor(anchor_path(path), keyring)
    try:
        anchor.reset(mark)
    finally:
        anchor.close()
