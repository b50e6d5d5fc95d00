"""Schema migrations: files that were reviewed, named by their digest, run forward or back in one transaction.

A folder holds `REVISION.up.sql` and `REVISION.down.sql`; revisions follow each other by name. What has been applied
stands in a table of the database itself, written in the same transaction as the change.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import psycopg

from steersman.domain.errors import InputError, ToolError
from steersman.toolsets.postgres import facts
from steersman.toolsets.postgres.server import Access, Connection, MissingDatabaseError, rows

BASE = "base"
TABLE = "public.steersman_migrations"
CREATE = f"""CREATE TABLE IF NOT EXISTS {TABLE} (revision text PRIMARY KEY, digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now())"""
ALONE = re.compile(r"(?mi)^--\s*steersman:\s*no transaction\s*$")
_UP = ".up.sql"


@dataclass(frozen=True, slots=True)
class Change:
    """One revision's files."""

    revision: str
    up: str
    down: str | None

    def text(self, *, down: bool) -> str:
        """What is run. Raises ToolError when there is no way down."""
        if not down:
            return self.up
        if self.down is None:
            raise ToolError(f"revision {self.revision!r} has no down file; `postgres.migrate_forward` needs none")
        return self.down

    @property
    def in_transaction(self) -> bool:
        """Whether neither file says that it cannot be."""
        return not (ALONE.search(self.up) or ALONE.search(self.down or ""))


@dataclass(frozen=True, slots=True)
class Way:
    """From the present revision to another."""

    present: str
    changes: tuple[Change, ...]
    """In the order in which they are run."""
    down: bool

    @property
    def digest(self) -> str:
        """The same in both directions: who has reviewed the way has reviewed the way back."""
        found = hashlib.sha256()
        for change in sorted(self.changes, key=lambda each: each.revision):
            for part in (change.revision, change.up, change.down or ""):
                found.update(f"{len(part.encode())}\n{part}".encode())
        return f"sha256:{found.hexdigest()}"


@dataclass(frozen=True, slots=True)
class Migrations:
    """The migrations of one server's databases: `<folder>/<database>/*.sql`, or `<folder>/*.sql` for all."""

    access: Access
    folder: Path | None

    async def state(self, ask: facts.DatabaseName) -> facts.SchemaState:
        """The revision that the database says of itself."""
        try:
            async with self.access.looking(ask.database) as connection:
                applied = await _applied(connection)
        except MissingDatabaseError:
            return facts.SchemaState(exists=False)
        return facts.SchemaState(exists=True, revision=max(applied, default=BASE))

    async def describe(self, ask: facts.MigrationName) -> facts.MigrationFacts:
        """The way to a revision, as the files say now."""
        way = await self._way(ask)
        return facts.MigrationFacts(
            present=way.present,
            revisions=tuple(change.revision for change in way.changes),
            down=way.down,
            digest=way.digest,
            reversible=all(change.down is not None for change in way.changes),
            in_transaction=all(change.in_transaction for change in way.changes),
        )

    async def migrate(self, ask: facts.Migration) -> facts.SchemaState:
        """Goes up or down a way that can be gone back."""
        return await self._go(ask, reversibly=True)

    async def migrate_forward(self, ask: facts.Migration) -> facts.SchemaState:
        """Goes up a way that nobody can go back."""
        return await self._go(ask, reversibly=False)

    async def _go(self, ask: facts.Migration, *, reversibly: bool) -> facts.SchemaState:
        way = await self._way(facts.MigrationName(database=ask.database, revision=ask.revision))
        if not way.changes:
            return await self.state(facts.DatabaseName(database=ask.database))
        if way.digest != ask.digest:
            raise ToolError(
                f"the files from {way.present!r} to {ask.revision!r} are not those that were reviewed: their digest is "
                f"{way.digest}; `postgres.describe_migration` shows the way"
            )
        texts = [(change, change.text(down=way.down)) for change in way.changes]
        if reversibly:
            _ = [change.text(down=True) for change in way.changes]
        elif way.down:
            raise ToolError(f"{ask.revision!r} lies before {way.present!r}; `postgres.migrate` goes down")
        async with self.access.changing(ask.database, patient=True) as connection:
            await connection.execute(CREATE.encode())
            await connection.execute(f"GRANT SELECT ON {TABLE} TO PUBLIC".encode())
            if all(change.in_transaction for change in way.changes):
                async with connection.transaction():
                    for change, text in texts:
                        await _apply(connection, change, text, down=way.down)
            else:
                for change, text in texts:
                    await _one(connection, change, text, down=way.down)
        return await self.state(facts.DatabaseName(database=ask.database))

    async def _way(self, ask: facts.MigrationName) -> Way:
        async with self.access.looking(ask.database) as connection:
            present = max(await _applied(connection), default=BASE)
        known = _read(self._place(ask.database))
        names = [BASE, *(change.revision for change in known)]
        for wanted in (present, ask.revision):
            if wanted not in names:
                raise ToolError(
                    f"there is no revision {wanted!r} among the files of {ask.database!r}: {', '.join(names)}"
                )
        here, there = names.index(present), names.index(ask.revision)
        between = known[min(here, there) : max(here, there)]
        return Way(present, tuple(between if here <= there else reversed(between)), down=there < here)

    def _place(self, database: str) -> Path:
        if self.folder is None:
            raise ToolError("no migrations are configured; set `postgres.migrations` to their folder")
        own = self.folder / database
        return own if own.is_dir() else self.folder


def _read(folder: Path) -> tuple[Change, ...]:
    try:
        found = [
            Change(path.name.removesuffix(_UP), path.read_text("utf-8"), _optional(folder, path.name.removesuffix(_UP)))
            for path in sorted(folder.glob(f"*{_UP}"))
        ]
    except (OSError, UnicodeDecodeError) as e:
        raise ToolError(f"the migrations in {str(folder)!r} cannot be read: {type(e).__name__}") from e
    if any(change.revision <= BASE and change.revision == BASE for change in found):
        raise InputError(f"a migration is called {BASE!r}, which is the name of what is before the first")
    return tuple(found)


def _optional(folder: Path, revision: str) -> str | None:
    path = folder / f"{revision}.down.sql"
    return path.read_text(encoding="utf-8") if path.exists() else None


async def _applied(connection: Connection) -> list[str]:
    there = await rows(connection, "SELECT to_regclass(%s) IS NOT NULL AS there", (TABLE,))
    if not there[0]["there"]:
        return []
    return [str(each["revision"]) for each in await rows(connection, f"SELECT revision FROM {TABLE}")]


async def _apply(connection: Connection, change: Change, text: str, *, down: bool) -> None:
    """Runs a file in the transaction that is open. Raises ToolError when the file ends it: half would stay."""
    before = await _transaction(connection)
    await connection.execute(text.encode())
    if await _transaction(connection) != before:
        raise ToolError(f"revision {change.revision!r} commits by itself; look at the schema, then mend the file")
    await _note(connection, change, down=down)


async def _transaction(connection: Connection) -> str:
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.INTRANS:
        return ""
    return str((await rows(connection, "SELECT pg_current_xact_id()::text AS id"))[0]["id"])


async def _one(connection: Connection, change: Change, text: str, *, down: bool) -> None:
    """A file of its own: in a transaction, or, when it says that it cannot be in one, as its only statement."""
    if change.in_transaction:
        async with connection.transaction():
            await _apply(connection, change, text, down=down)
        return
    await connection.execute(text.encode(), (), binary=True)
    await _note(connection, change, down=down)


async def _note(connection: Connection, change: Change, *, down: bool) -> None:
    if down:
        await connection.execute(f"DELETE FROM {TABLE} WHERE revision = %s".encode(), (change.revision,))
        return
    mark = hashlib.sha256(change.up.encode()).hexdigest()
    statement = f"INSERT INTO {TABLE} (revision, digest) VALUES (%s, %s) ON CONFLICT DO NOTHING"
    await connection.execute(statement.encode(), (change.revision, mark))
