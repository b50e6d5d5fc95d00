"""Backups: a dump of one snapshot, restored into a scratch database and counted before it is one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from steersman.domain.errors import ToolError
from steersman.domain.ports import Clock
from steersman.toolsets.postgres import facts
from steersman.toolsets.postgres.archive import DUMP, Archives, Manifest, digest_of
from steersman.toolsets.postgres.looking import Looking
from steersman.toolsets.postgres.program import Programs
from steersman.toolsets.postgres.server import Access, Connection, command, row, rows

SCRATCH = "steersman_drill_"
RESTORING = "steersman_restoring_"
COMMENT = "steersman backup "
COUNTED = """SELECT format('%%I.%%I', schemaname, tablename) AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one server."""

    access: Access
    programs: Programs
    archives: Archives
    clock: Clock

    async def state(self, ask: facts.BackupName) -> facts.BackupState:
        """Whether there is such a backup."""
        found = self.archives.manifest(ask.database, ask.name)
        return (
            facts.BackupState(exists=False)
            if found is None
            else facts.BackupState(exists=True, kept_days=found.kept_days)
        )

    async def check(self, ask: facts.BackupName) -> facts.BackupFacts:
        """Reads the archive again: is it still what passed the drill?"""
        found = self.archives.manifest(ask.database, ask.name)
        if found is None:
            return facts.BackupFacts(exists=False)
        path = self.archives.dump(ask.database, ask.name)
        whole = path.is_file() and await asyncio.to_thread(digest_of, path) == found.digest
        return facts.BackupFacts(
            exists=True,
            complete=whole,
            restorable=whole,
            bytes=found.bytes,
            tables=len(found.rows),
            rows=sum(found.rows.values()),
            made_at=found.made_at,
            keep_until=found.keep_until,
            digest=found.digest,
        )

    async def make(self, ask: facts.NewBackup) -> facts.BackupFacts:
        """Dumps, drills, and only then counts. Done already: nothing to do."""
        there = self.archives.manifest(ask.database, ask.name)
        if there is None:
            with self.archives.making(ask.database, ask.name) as folder:
                self.archives.publish(folder, await self._made(ask, folder))
        elif there.kept_days != ask.kept_days:
            raise ToolError(
                f"backup {ask.name!r} of {ask.database!r} is there, kept {there.kept_days} days; name another"
            )
        return await self.check(ask)

    async def _made(self, ask: facts.NewBackup, folder: Path) -> Manifest:
        archive, server = folder / DUMP, await Looking(self.access).health(facts.Nothing())
        counted = await self._dumped(ask.database, archive)
        drilled = await self._drilled(ask, archive)
        if drilled != counted:
            wrong = sorted(name for name in counted.keys() | drilled.keys() if counted.get(name) != drilled.get(name))
            raise ToolError(
                f"the restore drill of {ask.database!r} found other rows in {', '.join(wrong[:5])}: no backup"
            )
        now = self.clock.now()
        return Manifest(
            database=ask.database,
            name=ask.name,
            system=await Looking(self.access).identifier(),
            server=server.version,
            made_at=now.isoformat(),
            keep_until=(now + timedelta(days=ask.kept_days)).isoformat(),
            kept_days=ask.kept_days,
            digest=await asyncio.to_thread(digest_of, archive),
            bytes=archive.stat().st_size,
            rows=counted,
        )

    async def _dumped(self, database: str, archive: Path) -> dict[str, int]:
        """Dumps one snapshot, and counts the rows of the same one."""
        async with self.access.changing(database, patient=True) as connection:
            await connection.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = (await row(connection, "SELECT pg_export_snapshot() AS id"))["id"]
            where = [f"--dbname={database}", f"--snapshot={snapshot}", f"--file={archive}"]
            await self.programs.run("pg_dump", ["--format=custom", *where], self.access.writer())
            return await _counts(connection)

    async def _drilled(self, ask: facts.BackupName, archive: Path) -> dict[str, int]:
        scratch = _temporary(SCRATCH, ask.database, ask.name)
        async with self._restored(scratch, archive), self.access.restoring(scratch) as connection:
            return await _counts(connection)

    @asynccontextmanager
    async def _restored(self, database: str, archive: Path) -> AsyncIterator[None]:
        """A new database with an archive in it, gone afterwards unless it was renamed."""
        try:
            async with self.access.restoring() as connection:
                await command(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
                await command(connection, "CREATE DATABASE {} TEMPLATE template0", database)
            flags = ["--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={database}", str(archive)]
            await self.programs.run("pg_restore", flags, self.access.restorer())
            yield
        finally:
            await asyncio.shield(asyncio.ensure_future(self._dropped(database)))

    async def _dropped(self, database: str) -> None:
        async with self.access.restoring() as connection:
            await command(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", database)

    async def restored_state(self, ask: facts.RestoredName) -> facts.RestoredState:
        """A database, and the backup that it was made from."""
        async with self.access.looking() as connection:
            found = await rows(
                connection,
                "SELECT coalesce(shobj_description(oid, 'pg_database'), '') AS said FROM pg_database "
                "WHERE datname = %s",
                (ask.into,),
            )
        if not found:
            return facts.RestoredState(exists=False)
        database, _, name = str(found[0]["said"]).removeprefix(COMMENT).partition("/")
        ours = str(found[0]["said"]).startswith(COMMENT)
        return facts.RestoredState(exists=True, database=database if ours else "", name=name if ours else "")

    async def restore(self, ask: facts.Restoring) -> facts.RestoredState:
        """A new database out of a backup; it appears under its name when it is whole."""
        source = facts.BackupName(database=ask.database, name=ask.name)
        now = await self.restored_state(facts.RestoredName(into=ask.into))
        if now.exists:
            if (now.database, now.name) != (ask.database, ask.name):
                raise ToolError(f"a database {ask.into!r} is there already; restore into a new one")
            return now
        if not (await self.check(source)).restorable:
            raise ToolError(f"backup {ask.name!r} of {ask.database!r} is not there, or not what passed its drill")
        making = _temporary(RESTORING, ask.into, ask.name)
        archive, said = self.archives.dump(ask.database, ask.name), f"{COMMENT}{ask.database}/{ask.name}"
        async with self._restored(making, archive), self.access.restoring() as connection:
            await command(connection, "COMMENT ON DATABASE {} IS {said}", making, said=said)
            await command(connection, "ALTER DATABASE {} RENAME TO {}", making, ask.into)
        return await self.restored_state(facts.RestoredName(into=ask.into))

    async def drop_restored(self, ask: facts.RestoredName) -> facts.RestoredState:
        """Drops a database that was made from a backup, and no other."""
        now = await self.restored_state(ask)
        if now.exists and not now.database:
            raise ToolError(f"database {ask.into!r} was not made from a backup by Steersman; it is left alone")
        await self._dropped(ask.into)
        return await self.restored_state(ask)


def _temporary(prefix: str, *parts: str) -> str:
    """The same name for the same thing: what a killed process left is found and dropped."""
    return prefix + hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]


async def _counts(connection: Connection) -> dict[str, int]:
    found: dict[str, int] = {}
    for table in [str(each["name"]) for each in await rows(connection, COUNTED)]:
        counted = await row(connection, f"SELECT count(*) AS rows FROM ONLY {table}")  # quoted by format('%I.%I')
        found[table] = int(counted["rows"])
    return found
