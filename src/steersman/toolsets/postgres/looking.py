"""How a server does: each look is one statement in a session that can neither write nor last."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.toolsets.postgres import facts
from steersman.toolsets.postgres.masking import masked
from steersman.toolsets.postgres.server import Access, Connection, row, rows

SLOW_S = 5
UTC = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


@dataclass(frozen=True, slots=True)
class Looking:
    """The reads of one server."""

    access: Access

    async def identifier(self) -> str:
        """What initdb gave the cluster; its replicas have the same."""
        async with self.access.looking() as connection:
            found = await row(connection, "SELECT system_identifier::text AS id FROM pg_control_system()")
            return str(found["id"])

    async def health(self, _: facts.Nothing) -> facts.Health:
        """How the server does."""
        async with self.access.looking() as connection:
            found = await row(
                connection,
                """SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS replica,
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS connections,
                current_setting('max_connections')::int AS max_connections,
                coalesce((SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity
                          WHERE backend_type = 'client backend'), 0)::float8 AS oldest_transaction_s,
                (SELECT max(age(datfrozenxid)) FROM pg_database)::int AS oldest_xid_age""",
            )
            return facts.Health(**found)

    async def activity(self, ask: facts.DatabaseName) -> facts.Activity:
        """Who is at work in a database."""
        async with self.access.looking(ask.database) as connection:
            found = await row(
                connection,
                f"""SELECT count(*)::int AS connections,
                current_setting('max_connections')::int AS max_connections,
                (count(*) FILTER (WHERE cardinality(pg_blocking_pids(pid)) > 0))::int AS blocked,
                (count(*) FILTER (WHERE state = 'active' AND clock_timestamp() - query_start
                                  > interval '{SLOW_S} s' AND pid <> pg_backend_pid()))::int AS slow,
                (count(*) FILTER (WHERE state LIKE 'idle in transaction%%'))::int AS idle_in_transaction
                FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'""",
                (ask.database,),
            )
            return facts.Activity(**found)

    async def locks(self, ask: facts.Listing) -> facts.Locks:
        """Everybody who waits for a lock, longest first."""
        async with self.access.looking(ask.database) as connection:
            found = await rows(
                connection,
                f"""SELECT a.pid, to_char(a.backend_start AT TIME ZONE 'UTC', '{UTC}') AS started,
                coalesce(a.usename::text, '') AS user, a.application_name AS application,
                extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS waited_s,
                coalesce(l.mode, '') AS lock, coalesce(l.relation::regclass::text, l.locktype, '') AS relation,
                pg_blocking_pids(a.pid) AS blocked_by, a.query AS excerpt
                FROM pg_stat_activity a LEFT JOIN LATERAL
                (SELECT mode, relation, locktype FROM pg_locks WHERE pid = a.pid AND NOT granted LIMIT 1) l ON true
                WHERE a.datname = %s AND cardinality(pg_blocking_pids(a.pid)) > 0 ORDER BY waited_s DESC""",
                (ask.database,),
            )
        waiters = [facts.Waiter(**{**each, "excerpt": masked(each["excerpt"])}) for each in found[: ask.limit]]
        return facts.Locks(waiters=tuple(waiters), left_out=len(found) - len(waiters))

    async def slow_queries(self, ask: facts.Listing) -> facts.SlowQueries:
        """The statements that took most time; says so when the server does not count them."""
        async with self.access.looking(ask.database) as connection:
            place = await _statements(connection)
            if not place:
                return facts.SlowQueries(
                    available=False,
                    why="the extension pg_stat_statements is not in this database: it needs "
                    "shared_preload_libraries = 'pg_stat_statements' and CREATE EXTENSION",
                )
            found = await rows(
                connection,
                f"""SELECT calls::int8 AS calls, (total_exec_time / 1000)::float8 AS total_s,
                mean_exec_time::float8 AS mean_ms, rows::int8 AS rows, query AS excerpt
                FROM {place}.pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = %s)
                ORDER BY total_exec_time DESC LIMIT %s""",
                (ask.database, ask.limit),
            )
        return facts.SlowQueries(
            available=True, queries=tuple(facts.SlowQuery(**{**q, "excerpt": masked(q["excerpt"])}) for q in found)
        )

    async def sizes(self, ask: facts.Listing) -> facts.Sizes:
        """What takes the room of a database."""
        async with self.access.looking(ask.database) as connection:
            whole = await row(connection, "SELECT pg_database_size(current_database())::int8 AS bytes")
            found = await rows(
                connection,
                """SELECT schemaname || '.' || relname AS name, pg_table_size(relid)::int8 AS bytes,
                pg_indexes_size(relid)::int8 AS index_bytes, n_live_tup::int8 AS live_rows,
                n_dead_tup::int8 AS dead_rows FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC""",
            )
        shown = tuple(facts.Table(**each) for each in found[: ask.limit])
        return facts.Sizes(bytes=whole["bytes"], tables=shown, left_out=len(found) - len(shown))

    async def replication(self, _: facts.Nothing) -> facts.Replication:
        """Where this server stands in its cluster."""
        async with self.access.looking() as connection:
            own = await row(connection, LAG)
            found = (
                await rows(
                    connection,
                    """SELECT coalesce(application_name, '') AS name, coalesce(state, '') AS state,
                coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0)::int8 AS lag_bytes,
                coalesce(extract(epoch FROM replay_lag), 0)::float8 AS lag_s
                FROM pg_stat_replication WHERE NOT pg_is_in_recovery()""",
                )
                if not own["replica"]
                else []
            )
        return facts.Replication(
            replica=own["replica"], lag_s=own["lag_s"], replicas=tuple(facts.Replica(**each) for each in found)
        )


LAG = """SELECT pg_is_in_recovery() AS replica, CASE WHEN NOT pg_is_in_recovery()
    OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
    ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END::float8 AS lag_s"""


async def _statements(connection: Connection) -> str:
    """The schema of pg_stat_statements, quoted; empty where it is not."""
    found = await rows(
        connection,
        """SELECT quote_ident(n.nspname) AS place FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements'""",
    )
    return str(found[0]["place"]) if found else ""
