"""What PostgreSQL can be asked and told, as operations."""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, Invocation, Operation
from steersman.domain.typed import read_operation, schema_of, state_schema
from steersman.toolsets.postgres import facts

NAME = "postgres"
BACKUP = "postgres/backup/{database}/{name}"
SCHEMA = "postgres/schema/{database}"
INDEX = "postgres/index/{database}/{name}"
DATABASE = "postgres/database/{into}"
LOGIN = "postgres/login/{user}"
BACKEND = "postgres/backend/{pid}"
CLUSTER = "postgres/cluster/{name}"
LONG_S = 3_600.0


def _read(
    verb: str, summary: str, takes: type[Fact], gives: type[Fact], *, resource: str = "", timeout_s: float = 30
) -> Operation:
    found = read_operation(f"{NAME}.{verb}", summary, takes=takes, gives=gives, timeout_s=timeout_s)
    return found.model_copy(update={"resource": resource, "output_schema": state_schema(gives)})


def _call(verb: str, *names: str, **more: JsonValue) -> Invocation:
    arguments: JsonObject = {**{name: {"$arg": f"/{name}"} for name in names}, **more}
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments=arguments)


def _write(
    verb: str, summary: str, access: Access, *, types: tuple[type[Fact], type[Fact]], **more: object
) -> Operation:
    takes, gives = types
    return Operation.model_validate(
        {
            "name": f"{NAME}.{verb}",
            "summary": summary,
            "effect": "write",
            "access": access,
            "blast_radius": "service",
            "idempotent": "natural",
            "input_schema": schema_of(takes),
            "output_schema": state_schema(gives),
            **more,
        }
    )


HEALTH = _read("health", "Shows how the server does", facts.Nothing, facts.Health)
ACTIVITY = _read("activity", "Counts connections, locks and slow statements", facts.DatabaseName, facts.Activity)
LOCKS = _read("locks", "Lists who waits for a lock, and for whom", facts.Listing, facts.Locks)
SLOW = _read("slow_queries", "Lists the statements that took most time", facts.Listing, facts.SlowQueries)
SIZES = _read("sizes", "Shows what takes the room of a database", facts.Listing, facts.Sizes)
REPLICATION = _read("replication", "Shows replicas and how far behind they are", facts.Nothing, facts.Replication)
GET_BACKUP = _read(
    "get_backup", "Shows whether a backup is there", facts.BackupName, facts.BackupState, resource=BACKUP
)
CHECK_BACKUP = _read(
    "check_backup", "Reads a backup again and compares it", facts.BackupName, facts.BackupFacts, timeout_s=LONG_S
)
GET_RESTORED = _read(
    "get_restored", "Shows a database that a backup became", facts.RestoredName, facts.RestoredState, resource=DATABASE
)
GET_SCHEMA = _read("get_schema", "Shows a schema's revision", facts.DatabaseName, facts.SchemaState, resource=SCHEMA)
DESCRIBE_MIGRATION = _read(
    "describe_migration", "Shows the way to a revision and its digest", facts.MigrationName, facts.MigrationFacts
)
GET_INDEX = _read("get_index", "Shows what an index is of", facts.IndexName, facts.IndexState, resource=INDEX)
WATCH_INDEX = _read("watch_index", "Shows how an index does", facts.IndexName, facts.IndexFacts)
CHECK_LOGIN = _read(
    "check_login", "Connects with a credential, as a consumer would", facts.LoginCheck, facts.LoginResult
)
GET_LOGIN = _read(
    "get_login", "Shows whether a credential is a role's", facts.LoginName, facts.LoginState, resource=LOGIN
)
GET_BACKEND = _read(
    "get_backend", "Shows whether a backend is there", facts.BackendName, facts.Presence, resource=BACKEND
)
GET_CLUSTER = _read("get_cluster", "Shows who takes writes", facts.ClusterName, facts.ClusterState, resource=CLUSTER)
WATCH_CLUSTER = _read("watch_cluster", "Shows lag and health of a cluster", facts.ClusterName, facts.ClusterFacts)

BACKUP_DATABASE = _write(
    "backup",
    "Dumps a database, and proves by a restore into a scratch database that the dump is a backup",
    "create",
    types=(facts.NewBackup, facts.BackupFacts),
    resource=BACKUP,
    blast_radius="instance",
    probe=_call("get_backup", "database", "name"),
    after={"exists": True, "kept_days": {"$arg": "/kept_days"}},
    residue="the backup",
    timeout_s=LONG_S,
)
RESTORE_COPY = _write(
    "restore_copy",
    "Makes a new database out of a backup",
    "create",
    types=(facts.Restoring, facts.RestoredState),
    resource=DATABASE,
    blast_radius="instance",
    probe=_call("get_restored", "into"),
    after={"exists": True, "database": {"$arg": "/database"}, "name": {"$arg": "/name"}},
    inverse=_call("drop_restored", "into"),
    timeout_s=LONG_S,
)
DROP_RESTORED = _write(
    "drop_restored",
    "Drops a database that a backup was restored into, and no other",
    "delete",
    types=(facts.RestoredName, facts.RestoredState),
    resource=DATABASE,
    effect="destructive",
    probe=_call("get_restored", "into"),
    after={"exists": False},
    timeout_s=300.0,
)
MIGRATE = _write(
    "migrate",
    "Runs reviewed SQL files up or down to a revision",
    "update",
    types=(facts.Migration, facts.SchemaState),
    resource=SCHEMA,
    probe=_call("get_schema", "database"),
    after={"exists": True, "revision": {"$arg": "/revision"}},
    inverse=_call("migrate", "database", "digest", revision={"$before": "/revision"}),
    timeout_s=900.0,
)
MIGRATE_FORWARD = _write(
    "migrate_forward",
    "Runs reviewed SQL files that have no way back; only a backup undoes them",
    "update",
    types=(facts.Migration, facts.SchemaState),
    resource=SCHEMA,
    effect="destructive",
    probe=_call("get_schema", "database"),
    after={"exists": True, "revision": {"$arg": "/revision"}},
    timeout_s=900.0,
)
CREATE_INDEX = _write(
    "create_index",
    "Builds an index while readers and writers go on (CONCURRENTLY)",
    "create",
    types=(facts.NewIndex, facts.IndexState),
    resource=INDEX,
    probe=_call("get_index", "database", "name"),
    after={"exists": True, "table": {"$arg": "/table"}, "columns": {"$arg": "/columns"}},
    inverse=_call("drop_index", "database", "name"),
    timeout_s=LONG_S,
)
DROP_INDEX = _write(
    "drop_index",
    "Drops a plain index while readers and writers go on (CONCURRENTLY)",
    "delete",
    types=(facts.IndexName, facts.IndexState),
    resource=INDEX,
    effect="destructive",
    probe=_call("get_index", "database", "name"),
    after={"exists": False},
    inverse=_call("create_index", "database", "name", table={"$before": "/table"}, columns={"$before": "/columns"}),
    timeout_s=LONG_S,
)
SET_PASSWORD = _write(
    "set_password",
    "Gives a role the password behind a reference",
    "update",
    types=(facts.NewPassword, facts.LoginState),
    resource=LOGIN,
    probe=_call("get_login", "user", "credential"),
    after={"accepts": True},
    inverse=_call("set_password", "user", credential={"$arg": "/former"}, former={"$arg": "/credential"}),
)
TERMINATE = _write(
    "terminate_backend",
    "Ends a backend and rolls its transaction back; nothing brings it back",
    "delete",
    types=(facts.BackendName, facts.Presence),
    resource=BACKEND,
    blast_radius="instance",
    effect="destructive",
    probe=_call("get_backend", "pid", "started"),
    after={"exists": False},
)
PROMOTE = _write(
    "promote",
    "Makes a replica take writes when nothing else does; there is no way back but to build it anew",
    "update",
    types=(facts.Promotion, facts.ClusterState),
    resource=CLUSTER,
    blast_radius="environment",
    effect="destructive",
    probe=_call("get_cluster", "name"),
    after={"exists": True, "primary": {"$arg": "/primary"}},
    timeout_s=120.0,
)

OPERATIONS: tuple[Operation, ...] = (
    *(HEALTH, ACTIVITY, LOCKS, SLOW, SIZES, REPLICATION, GET_BACKUP, CHECK_BACKUP, GET_RESTORED, GET_SCHEMA),
    *(DESCRIBE_MIGRATION, GET_INDEX, WATCH_INDEX, CHECK_LOGIN, GET_LOGIN, GET_BACKEND, GET_CLUSTER, WATCH_CLUSTER),
    *(BACKUP_DATABASE, RESTORE_COPY, DROP_RESTORED, MIGRATE, MIGRATE_FORWARD, CREATE_INDEX, DROP_INDEX),
    *(SET_PASSWORD, TERMINATE, PROMOTE),
)
