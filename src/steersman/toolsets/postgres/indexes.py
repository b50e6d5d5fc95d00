"""Indexes without a lock on their table: made and dropped CONCURRENTLY; what an interruption leaves is cleaned up."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.toolsets.postgres import facts
from steersman.toolsets.postgres.server import Access, Connection, Row, command, rows

LOOK = """SELECT t.relname AS table, i.indisvalid AS valid, i.indisready AS ready, n.nspname AS schema,
    pg_relation_size(c.oid)::int8 AS bytes,
    string_agg(pg_get_indexdef(c.oid, k.n, true), ',' ORDER BY k.n) AS columns,
    (am.amname = 'btree' AND NOT i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
     AND i.indnatts = i.indnkeyatts AND bool_and(i.indoption[k.n - 1] = 0)) AS plain
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am am ON am.oid = c.relam
    CROSS JOIN LATERAL generate_series(1, i.indnkeyatts::int) AS k(n)
    WHERE c.relname = %s AND pg_table_is_visible(t.oid)
    GROUP BY c.oid, t.relname, n.nspname, am.amname, i.indisvalid, i.indisready, i.indisunique, i.indpred, i.indexprs,
    i.indnatts, i.indnkeyatts"""


@dataclass(frozen=True, slots=True)
class Indexes:
    """The indexes of one server's databases."""

    access: Access

    async def state(self, ask: facts.IndexName) -> facts.IndexState:
        """What an index is of. An invalid one, which an interrupted build leaves, is none."""
        async with self.access.looking(ask.database) as connection:
            found = await _found(connection, ask.name)
        if found is None or not found["valid"]:
            return facts.IndexState(exists=False)
        return facts.IndexState(exists=True, table=found["table"], columns=_columns(found))

    async def describe(self, ask: facts.IndexName) -> facts.IndexFacts:
        """How an index does."""
        async with self.access.looking(ask.database) as connection:
            found = await _found(connection, ask.name)
        if found is None:
            raise ToolError(f"there is no index {ask.name!r} in {ask.database!r}")
        return facts.IndexFacts(valid=found["valid"], ready=found["ready"], bytes=found["bytes"])

    async def create(self, ask: facts.NewIndex) -> facts.IndexState:
        """Builds it while readers and writers go on. There already, the same: nothing to do."""
        name = facts.IndexName(database=ask.database, name=ask.name)
        async with self.access.changing(ask.database, patient=True) as connection:
            found = await _found(connection, ask.name)
            if found is not None and found["valid"]:
                if (found["table"], _columns(found)) != (ask.table, ask.columns) or not found["plain"]:
                    raise ToolError(f"an index {ask.name!r} is there, and another one; choose another name")
                return await self.state(name)
            if found is not None:
                await command(connection, "DROP INDEX CONCURRENTLY {}.{}", found["schema"], ask.name)
            columns = ask.columns.split(",")
            holes = ", ".join("{}" for _ in columns)
            text = f"CREATE INDEX CONCURRENTLY {{}} ON {{}} ({holes})"
            await command(connection, text, ask.name, ask.table, *columns)
        return await self.state(name)

    async def drop(self, ask: facts.IndexName) -> facts.IndexState:
        """Drops a plain index, which can be built again. Raises ToolError for one that is more than that."""
        async with self.access.changing(ask.database, patient=True) as connection:
            found = await _found(connection, ask.name)
            if found is not None and not found["plain"]:
                raise ToolError(f"index {ask.name!r} is unique, partial, or of expressions: it could not be made again")
            if found is not None:
                await command(connection, "DROP INDEX CONCURRENTLY {}.{}", found["schema"], ask.name)
        return await self.state(ask)


async def _found(connection: Connection, name: str) -> Row | None:
    found = await rows(connection, LOOK, (name,))
    if len(found) > 1:
        raise ToolError(f"{len(found)} schemas have an index {name!r}; Steersman would not know which is meant")
    return found[0] if found else None


def _columns(found: Row) -> str:
    """As they were named; what is quoted there was named without the quotes."""
    return str(found["columns"]).replace('"', "")
