"""The anchor file: a signed note of how far the chain had come, kept beside the database.

Two slots, written in turn, so that a torn write spoils one at most. It never goes back: under a file lock, only a
higher mark replaces a lower one. It is not synced: after a power cut it may lag behind the database, never lead.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import NamedTuple

from steersman.domain.errors import IntegrityError
from steersman.journal.keyring import Keyring

SLOT_BYTES = 512


class Mark(NamedTuple):
    """A point of the chain that was reached."""

    seq: int
    hash: str


class Anchor:
    """The highest mark of one journal."""

    __slots__ = ("_descriptor", "_keyring", "_known", "_raw", "_slot_known", "path")

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self.path = path
        self._keyring = keyring
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._raw = b""
        self._known: Mark | None = None
        self._slot_known = 1

    def close(self) -> None:
        """Gives the file back."""
        os.close(self._descriptor)

    def read(self) -> Mark | None:
        """The highest valid mark; None in an empty file. Raises IntegrityError when nothing in it is valid."""
        raw = os.pread(self._descriptor, 2 * SLOT_BYTES, 0)
        if raw != self._raw or self._known is None:
            self._known = self._parse(raw)
            self._raw = raw
        return self._known

    def advance(self, mark: Mark) -> None:
        """Moves the mark forward; a lower one than is written changes nothing."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            known = self.read()
            if known is None or mark.seq > known.seq:
                self._write(mark, slot=1 - self._slot_known)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def reset(self, mark: Mark) -> None:
        """Sets the mark, also backwards: for a restored journal only."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            os.ftruncate(self._descriptor, 0)
            self._raw = b""
            self._write(mark, slot=0)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _write(self, mark: Mark, *, slot: int) -> None:
        signature = self._keyring.sign("anchor", _message(mark))
        line = f'[{mark.seq},"{mark.hash}","{signature}"]'.encode().ljust(SLOT_BYTES - 1) + b"\n"
        os.pwrite(self._descriptor, line, slot * SLOT_BYTES)
        before = self._raw[:SLOT_BYTES].ljust(SLOT_BYTES, b"\0")
        self._raw = line + self._raw[SLOT_BYTES:] if slot == 0 else before + line
        self._known, self._slot_known = mark, slot

    def _parse(self, raw: bytes) -> Mark | None:
        if not raw:
            return None
        marks = [(mark, slot) for slot in (0, 1) if (mark := self._slot(raw, slot))]
        if not marks:
            raise IntegrityError(f"the anchor {str(self.path)!r} is not what was written; restore journal and key file")
        mark, self._slot_known = max(marks)
        return mark

    def _slot(self, raw: bytes, slot: int) -> Mark | None:
        try:
            seq, digest, signature = json.loads(raw[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES])
            mark = Mark(int(seq), str(digest))
        except (ValueError, TypeError):
            return None
        return mark if self._keyring.verifies("anchor", _message(mark), str(signature)) else None


def anchor_path(journal: Path) -> Path:
    """Where the anchor of a journal file lies."""
    return journal.with_name(journal.name + ".anchor")


def _message(mark: Mark) -> bytes:
    return f"{mark.seq}\n{mark.hash}".encode()
