"""Vault or OpenBao: secrets by version, leases, keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from steersman.app.secrets import learn, resolve
from steersman.app.section import Reference, Section
from steersman.app.systems.opened import Opened, Opening
from steersman.domain.errors import ConfigError

if TYPE_CHECKING:
    from steersman.toolsets.vault import VaultAuth

DIGESTS = b"digests of secrets"
Mount = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class TokenSettings(Section):
    """A token that somebody else renews."""

    kind: Literal["token"]
    token: Reference
    """The token, as `env:NAME` or `file:PATH`."""


class AppRoleSettings(Section):
    """How machines log in."""

    kind: Literal["approle"]
    role_id: Reference
    """As `env:NAME` or `file:PATH`."""
    secret_id: Reference
    """As `env:NAME` or `file:PATH`."""
    mount: Mount = "approle"
    """Where the method is mounted."""


class KubernetesSettings(Section):
    """How a pod logs in."""

    kind: Literal["kubernetes"]
    role: str
    """The role that is bound to Steersman's service account."""
    mount: Mount = "kubernetes"
    """Where the method is mounted."""
    token_file: Path | None = None
    """The service account's token; empty: where Kubernetes puts it."""


class VaultSettings(Section):
    """A Vault or OpenBao server."""

    url: str
    """Where it is."""
    auth: TokenSettings | AppRoleSettings | KubernetesSettings = Field(discriminator="kind")
    """`{kind: token, token}`, `{kind: approle, role_id, secret_id}` or `{kind: kubernetes, role}`."""
    namespace: str = Field(default="", pattern=r"^[A-Za-z0-9._/-]*$")
    """Namespace, where the server has such."""
    kv_mount: Mount = "secret"
    """The KV mount, version 2, that paths are under."""
    database_mount: Mount = "database"
    """The database secrets engine."""
    transit_mount: Mount = "transit"
    """The transit engine."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: float = Field(default=15.0, gt=0, le=300)
    """Seconds from the first byte sent to the last byte read."""


@asynccontextmanager
async def opened(settings: VaultSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Asked who it is; its token goes nowhere else."""
    from steersman.domain.environment import Environment
    from steersman.remote.endpoint import Endpoint, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.vault import Session, VaultToolset
    from steersman.toolsets.vault.toolset import Mounts

    try:
        endpoint = Endpoint(url=settings.url, ca_file=settings.ca_file, timeout_s=settings.timeout_s)
    except ValidationError as e:
        raise ConfigError(f"vault.url: {e.errors()[0]['msg']}") from None  # a URL may hold a password
    where = Environment(kind="vault", name=opening.name, uid="", url=endpoint.url, tier=opening.tier)
    async with open_client(endpoint) as http:
        remote = Remote.at("vault", http, endpoint)
        session = Session(remote, _auth(settings), opening.clock, settings.namespace, learn)
        mounts = Mounts(settings.kv_mount, settings.database_mount, settings.transit_mount)
        toolset = VaultToolset(session, where, opening.secret_key(DIGESTS), mounts)
        yield Opened(toolset, await toolset.environment(), reveal=toolset.reveal)


def _auth(settings: VaultSettings) -> VaultAuth:
    from steersman.toolsets.vault import AppRoleAuth, KubernetesAuth, TokenAuth

    match settings.auth:
        case TokenSettings(token=token):
            return TokenAuth(token=resolve(token))
        case AppRoleSettings(role_id=role_id, secret_id=secret_id, mount=mount):
            return AppRoleAuth(role_id=resolve(role_id), secret_id=resolve(secret_id), mount=mount)
        case KubernetesSettings(role=role, mount=mount, token_file=None):
            return KubernetesAuth(role=role, mount=mount)
        case KubernetesSettings(role=role, mount=mount, token_file=path):
            return KubernetesAuth(role=role, mount=mount, token_file=path)
