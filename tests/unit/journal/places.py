"""A SQLite journal in a folder of a test."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.testing.clock import FakeClock


class SqlitePlace:
    def __init__(self, path: Path, keyring: Keyring | None = None) -> None:
        self.path = path
        self.keyring = keyring or Keyring.generate()
        self.clock = FakeClock()

    def open(self) -> AbstractAsyncContextManager[SqliteJournal]:
        return SqliteJournal.open(self.path, self.keyring, self.clock)
