"""Data: Postgres and MySQL, connection pools, caches, queues."""

from __future__ import annotations

from steersman.domain.operation import Operation
from steersman.toolsets.contracts.thing import COUNT, FLAG, NAME, SECONDS, TEXT, Thing, reading

DUMP = Thing(
    "postgres",
    "dump",
    keys={"database": NAME, "name": NAME},
    state={"kept_days": COUNT},
    observed={"complete": FLAG, "restorable": FLAG, "bytes": COUNT},
)
SCHEMA = Thing("postgres", "schema", keys={"database": NAME}, state={"revision": NAME})
INDEX = Thing(
    "postgres",
    "index",
    keys={"database": NAME, "name": NAME},
    state={"table": NAME, "columns": TEXT},
    observed={"valid": FLAG},
)
CLUSTER = Thing(
    "postgres",
    "cluster",
    keys={"name": NAME},
    state={"primary": NAME},
    observed={"lag_s": SECONDS, "healthy": FLAG},
)
RESTORED = Thing(
    "postgres",
    "instance",
    keys={"name": NAME},
    state={"source": NAME, "at": TEXT},
    observed={"ready": FLAG, "rows": COUNT},
)
SETTING = Thing("postgres", "setting", keys={"database": NAME, "name": NAME}, state={"value": TEXT})
POOL = Thing(
    "pgbouncer", "pool", keys={"database": NAME}, state={"size": COUNT, "mode": NAME}, observed={"waiting": COUNT}
)
CACHE = Thing(
    "redis", "policy", keys={"prefix": NAME}, state={"ttl_s": COUNT, "jitter_s": COUNT, "single_flight": FLAG}
)
QUEUE = Thing(
    "queue",
    "queue",
    keys={"name": NAME},
    state={"prefetch": COUNT, "paused": FLAG},
    observed={"depth": COUNT, "consumers": COUNT, "oldest_s": SECONDS},
)

OPERATIONS: tuple[Operation, ...] = (
    *DUMP.reads(),
    # No inverse and no delete: backups are in the protected set, and one that stays harms nobody.
    DUMP.create("dump", blast="none")[0].model_copy(update={"inverse": None}),
    *SCHEMA.reads(),
    SCHEMA.change("migrate", "Brings the schema to a revision, up or down", "revision"),
    *INDEX.reads(),
    *INDEX.create("create_index", remove="drop_index"),
    *CLUSTER.reads(),
    CLUSTER.change("promote", "Makes an instance the primary of a cluster", "primary", blast="environment"),
    *RESTORED.reads(),
    *RESTORED.create("restore", blast="none", remove="delete_instance"),
    *SETTING.reads(),
    SETTING.change("set_setting", "Sets a configuration value of a database", "value"),
    reading(
        "postgres.activity",
        "Connections, locks and slow queries of a database",
        {"database": NAME},
        {"connections": COUNT, "max_connections": COUNT, "blocked": COUNT, "slow": COUNT},
    ),
    *POOL.reads(),
    POOL.change("set_pool", "Sets size and mode of a connection pool", "size mode"),
    *CACHE.reads(),
    CACHE.change("set_policy", "Sets expiry, jitter and single flight of cached keys", "ttl_s jitter_s single_flight"),
    *QUEUE.reads(),
    QUEUE.change("set_queue", "Sets prefetch of a queue, pauses or resumes it", "prefetch paused"),
)
