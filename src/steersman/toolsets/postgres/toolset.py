"""PostgreSQL as a toolset: the operations of one server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from steersman.domain.environment import Environment
from steersman.domain.ports import Binding, Clock
from steersman.domain.reference import Reveal
from steersman.domain.typed import bind, bind_state
from steersman.toolsets.postgres import facts
from steersman.toolsets.postgres import operations as ops
from steersman.toolsets.postgres.archive import Archives
from steersman.toolsets.postgres.backends import Backends
from steersman.toolsets.postgres.backups import Backups
from steersman.toolsets.postgres.cluster import Cluster
from steersman.toolsets.postgres.indexes import Indexes
from steersman.toolsets.postgres.logins import Logins
from steersman.toolsets.postgres.looking import Looking
from steersman.toolsets.postgres.migrations import Migrations
from steersman.toolsets.postgres.program import Programs
from steersman.toolsets.postgres.server import Access
from steersman.toolsets.postgres.settings import Server


@dataclass(frozen=True, slots=True)
class Places:
    """What the toolset needs beside the server."""

    archives: Path
    migrations: Path | None = None
    programs: Path | None = None
    """Folder of pg_dump and pg_restore; None: the newest that is installed."""
    cluster: str = ""
    instances: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Host and port of each instance of the cluster, by name."""


@dataclass(frozen=True, slots=True)
class PostgresToolset:
    """The operations of one server."""

    server: Server
    places: Places
    where: Environment
    """Without a uid: the server's own identifier is asked each time."""
    clock: Clock
    reveal: Reveal | None = None
    """Opens references to credentials; None where there is no Vault beside it."""
    name: str = ops.NAME

    async def environment(self) -> Environment:
        """What it is by its own word: the identifier that initdb gave it."""
        return self.where.model_copy(update={"uid": await Looking(self._access).identifier()})

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        return (*self._looks(), *self._data(), *self._roles())

    def _looks(self) -> tuple[Binding, ...]:
        looking, cluster = Looking(self._access), self._cluster
        return (
            bind(ops.HEALTH, facts.Nothing, looking.health),
            bind(ops.ACTIVITY, facts.DatabaseName, looking.activity),
            bind(ops.LOCKS, facts.Listing, looking.locks),
            bind(ops.SLOW, facts.Listing, looking.slow_queries),
            bind(ops.SIZES, facts.Listing, looking.sizes),
            bind(ops.REPLICATION, facts.Nothing, looking.replication),
            bind_state(ops.GET_CLUSTER, facts.ClusterName, cluster.state),
            bind(ops.WATCH_CLUSTER, facts.ClusterName, cluster.describe),
            bind_state(ops.PROMOTE, facts.Promotion, cluster.promote),
        )

    def _data(self) -> tuple[Binding, ...]:
        access, places = self._access, self.places
        programs, archives = Programs(self.server, places.programs), Archives(places.archives)
        backups = Backups(access, programs, archives, self.clock)
        migrations, indexes = Migrations(access, places.migrations), Indexes(access)
        return (
            bind_state(ops.GET_BACKUP, facts.BackupName, backups.state),
            bind(ops.CHECK_BACKUP, facts.BackupName, backups.check),
            bind(ops.BACKUP_DATABASE, facts.NewBackup, backups.make),
            bind_state(ops.GET_RESTORED, facts.RestoredName, backups.restored_state),
            bind_state(ops.RESTORE_COPY, facts.Restoring, backups.restore),
            bind_state(ops.DROP_RESTORED, facts.RestoredName, backups.drop_restored),
            bind_state(ops.GET_SCHEMA, facts.DatabaseName, migrations.state),
            bind(ops.DESCRIBE_MIGRATION, facts.MigrationName, migrations.describe),
            bind_state(ops.MIGRATE, facts.Migration, migrations.migrate),
            bind_state(ops.MIGRATE_FORWARD, facts.Migration, migrations.migrate_forward),
            bind_state(ops.GET_INDEX, facts.IndexName, indexes.state),
            bind(ops.WATCH_INDEX, facts.IndexName, indexes.describe),
            bind_state(ops.CREATE_INDEX, facts.NewIndex, indexes.create),
            bind_state(ops.DROP_INDEX, facts.IndexName, indexes.drop),
        )

    def _roles(self) -> tuple[Binding, ...]:
        logins, backends = Logins(self._access, self.reveal), Backends(self._access)
        return (
            bind(ops.CHECK_LOGIN, facts.LoginCheck, logins.check),
            bind(ops.GET_LOGIN, facts.LoginName, logins.state),
            bind(ops.SET_PASSWORD, facts.NewPassword, logins.set_password),
            bind(ops.GET_BACKEND, facts.BackendName, backends.state),
            bind(ops.TERMINATE, facts.BackendName, backends.terminate),
        )

    @property
    def _access(self) -> Access:
        return Access(self.server)

    @property
    def _cluster(self) -> Cluster:
        return Cluster(self._access, self.places.cluster, self.places.instances)
