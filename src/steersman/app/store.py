"""The journal and its keys, as configured: all that commands need which only look, decide, or stop."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from steersman.app.settings import Settings
from steersman.domain.environment import Principal
from steersman.domain.ids import PrincipalId
from steersman.journal import audit
from steersman.journal.inspection import AuditProblem
from steersman.journal.keyring import Keyring
from steersman.journal.sql import SqlJournal
from steersman.journal.sqlite import SqliteJournal


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


CLOCK = SystemClock()


def keyring_path(settings: Settings) -> Path:
    """Where the keys are."""
    return settings.home / "keys" / "journal.json"


def keyring(settings: Settings) -> Keyring:
    """The keys that sign approvals and the journal; made at the first use, readable by their owner only."""
    return Keyring.open(keyring_path(settings))


def keys_of(settings: Settings) -> Callable[[bytes], bytes]:
    """Keys for other purposes, derived from the current one of the keyring. Another current key gives other ones."""

    def key(purpose: bytes) -> bytes:
        ring = keyring(settings)
        return bytes.fromhex(ring.mac("mask", ring.current, purpose))

    return key


@asynccontextmanager
async def open_journal(settings: Settings) -> AsyncIterator[SqlJournal]:
    """The journal, created where there is none: a file under `home`, or the database that `journal.url` names."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = keyring(settings)
    if not settings.journal.url:
        async with SqliteJournal.open(settings.home / "journal.db", keys, CLOCK) as journal:
            yield journal
        return
    from steersman.journal.postgres import PostgresJournal  # a driver that only teams install

    async with PostgresJournal.open(settings.journal.url, keys, CLOCK, anchor=anchor(settings)) as shared:
        yield shared


def anchor(settings: Settings) -> Path:
    """The anchor of a journal in a database; the one of a file lies beside the file."""
    return settings.home / "journal.anchor"


def problems(settings: Settings) -> list[AuditProblem]:
    """Everything that is wrong with the journal."""
    if not settings.journal.url:
        return audit.verify(settings.home / "journal.db", keyring(settings))
    from steersman.journal import postgres

    return postgres.verify(settings.journal.url, keyring(settings), anchor=anchor(settings))


def principal(settings: Settings, name: str) -> Principal:
    """A person or service by id, with the roles that configuration gives."""
    roles = settings.principals.roles.get(name)
    if roles is None:
        roles = settings.principals.local_default if name == local_id() else frozenset()
    return Principal(id=PrincipalId(name), kind="human", roles=roles)


def local_user(settings: Settings) -> Principal:
    """Whoever runs this process."""
    return principal(settings, local_id())


def local_id() -> str:
    """`local:NAME` of the operating system's user."""
    return f"local:{getpass.getuser()}"
