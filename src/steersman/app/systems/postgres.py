"""PostgreSQL: a server, the roles that look and change, and where its backups and migrations are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from steersman.app.secrets import resolve
from steersman.app.section import Reference, Section
from steersman.app.systems.opened import Opened, Opening

if TYPE_CHECKING:
    from steersman.toolsets.postgres.settings import Login

Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,253}$")]


class LoginSettings(Section):
    """A role of the server."""

    user: str
    """Its name."""
    password: Reference | None = None
    """Its password, as `env:NAME`, `file:PATH` or `vault:PATH#FIELD`."""


class InstanceSettings(Section):
    """One instance of a cluster."""

    host: Host
    """Where it is."""
    port: int = Field(default=5432, ge=1, le=65_535)
    """And its port."""


class PostgresSettings(Section):
    """A PostgreSQL server, 13 or later."""

    host: Host
    """Where it is."""
    port: int = Field(default=5432, ge=1, le=65_535)
    """And its port."""
    reader: LoginSettings
    """The role that looks: a member of pg_monitor is enough."""
    writer: LoginSettings | None = None
    """The role for changes; without it nothing can be changed."""
    restorer: LoginSettings | None = None
    """Who restores backups, where that takes more rights than the writer has."""
    maintenance: str = "postgres"
    """The database to be in when it is about no other."""
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    """TLS, in libpq's words."""
    ca_file: Path | None = None
    """Certificates to trust."""
    statement_timeout_s: float = Field(default=30.0, gt=0, le=3_600)
    """The longest that a look may take."""
    lock_timeout_s: float = Field(default=5.0, gt=0, le=600)
    """The longest that a change waits for a lock: others queue behind who waits."""
    archives: Path | None = None
    """Folder of the backups; empty: `backups` under `home`."""
    migrations: Path | None = None
    """Folder of the migrations: `REVISION.up.sql` and `REVISION.down.sql`, or such a folder for each database."""
    programs: Path | None = None
    """Folder of pg_dump and pg_restore; empty: the newest that is installed."""
    cluster: str = ""
    """Name of the cluster that the instances make up."""
    instances: dict[str, InstanceSettings] = {}
    """The instances of the cluster, by name."""


@asynccontextmanager
async def opened(settings: PostgresSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Asked who it is; connections are made call by call."""
    try:
        from steersman.toolsets.postgres.toolset import Places, PostgresToolset
    except ImportError as e:
        from steersman.domain.errors import ConfigError

        raise ConfigError("a `postgres` needs the driver; install steersman[postgres]") from e
    from steersman.domain.environment import Environment
    from steersman.toolsets.postgres.settings import Server

    plain = settings.model_dump(include={"host", "port", "maintenance", "sslmode", "ca_file"})
    limits = settings.model_dump(include={"statement_timeout_s", "lock_timeout_s"})
    logins = {name: _login(getattr(settings, name)) for name in ("reader", "writer", "restorer")}
    places = Places(
        archives=settings.archives or opening.home / "backups",
        migrations=settings.migrations,
        programs=settings.programs,
        cluster=settings.cluster,
        instances={name: (each.host, each.port) for name, each in settings.instances.items()},
    )
    url = f"postgresql://{settings.host}:{settings.port}"
    where = Environment(kind="postgres", name=opening.name, uid="", url=url, tier=opening.tier)
    server = Server(**plain, **limits, **logins)
    toolset = PostgresToolset(server, places, where, opening.clock, opening.reveal)
    yield Opened(toolset, await toolset.environment())


def _login(settings: LoginSettings | None) -> Login | None:
    from steersman.toolsets.postgres.settings import Login

    if settings is None:
        return None
    return Login(user=settings.user, password=resolve(settings.password) if settings.password else None)
