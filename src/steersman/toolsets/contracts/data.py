"""Data: restoring Postgres to a moment, its settings, connection pools, caches, queues."""

from __future__ import annotations

from steersman.domain.operation import Operation
from steersman.toolsets.contracts.thing import COUNT, FLAG, NAME, SECONDS, TEXT, Thing

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
    *RESTORED.reads(),
    *RESTORED.create("restore", blast="none", remove="delete_instance"),
    *SETTING.reads(),
    SETTING.change("set_setting", "Sets a configuration value of a database", "value"),
    *POOL.reads(),
    POOL.change("set_pool", "Sets size and mode of a connection pool", "size mode"),
    *CACHE.reads(),
    CACHE.change("set_policy", "Sets expiry, jitter and single flight of cached keys", "ttl_s jitter_s single_flight"),
    *QUEUE.reads(),
    QUEUE.change("set_queue", "Sets prefetch of a queue, pauses or resumes it", "prefetch paused"),
)
