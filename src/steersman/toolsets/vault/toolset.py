"""Vault as a toolset: the operations of one server and namespace, with one KV mount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from steersman.domain.environment import Environment
from steersman.domain.errors import UnavailableError
from steersman.domain.ports import Binding
from steersman.domain.reference import SecretPlace
from steersman.domain.typed import bind, bind_state
from steersman.remote.exchange import Request
from steersman.remote.shape import mapping, reading
from steersman.toolsets.vault import facts
from steersman.toolsets.vault import operations as ops
from steersman.toolsets.vault.leases import Leases
from steersman.toolsets.vault.secrets import Secrets
from steersman.toolsets.vault.session import Session
from steersman.toolsets.vault.staging import Staging
from steersman.toolsets.vault.store import Store
from steersman.toolsets.vault.transit import Transit

STANDBY = frozenset({httpx.codes.TOO_MANY_REQUESTS, 472, 473})


@dataclass(frozen=True, slots=True)
class Mounts:
    """Where the engines are."""

    kv: str = "secret"
    database: str = "database"
    transit: str = "transit"


@dataclass(frozen=True, slots=True)
class VaultToolset:
    """The operations of one Vault or OpenBao."""

    session: Session
    where: Environment
    """Without a uid: the server's cluster id is asked each time."""
    digest_key: bytes
    mounts: Mounts = Mounts()
    name: str = ops.NAME

    async def environment(self) -> Environment:
        """What it is by its own word: cluster, namespace and KV mount. Raises UnavailableError when it is sealed."""
        _, cluster = await self._health()
        if not cluster:
            raise UnavailableError(f"{self.where.url!r} names no cluster: it is sealed, or not initialised")
        return self.where.model_copy(
            update={"uid": "/".join(filter(None, (cluster, self.session.namespace, self.mounts.kv)))}
        )

    async def reveal(self, place: SecretPlace) -> dict[str, str]:
        """The values behind a reference, for another toolset that uses them at once."""
        return await self._secrets.reveal(place)

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        secrets, leases = self._secrets, Leases(self.session)
        staging, transit = Staging(secrets, leases, self.mounts.database), Transit(secrets, self.mounts.transit)

        async def in_force(ask: facts.SecretName) -> facts.SecretState:
            return await secrets.state(ask.path)

        return (
            bind(ops.HEALTH, facts.Nothing, self._healthy),
            bind(ops.TOKEN, facts.Nothing, leases.token),
            bind(ops.LIST_SECRETS, facts.FolderName, secrets.names),
            bind_state(ops.GET_SECRET, facts.SecretName, in_force),
            bind(ops.DESCRIBE_SECRET, facts.SecretName, secrets.describe),
            bind_state(ops.GET_VERSION, facts.VersionName, secrets.version_state),
            bind(ops.GET_STAGED, facts.StagedName, staging.state),
            bind(ops.DESCRIBE_STAGED, facts.StagedName, staging.describe),
            bind(ops.GET_LEASE, facts.LeaseName, leases.state),
            bind(ops.DESCRIBE_LEASE, facts.LeaseName, leases.describe),
            bind_state(ops.GET_KEY, facts.KeyName, transit.state),
            bind(ops.ENCRYPT, facts.Plain, transit.encrypt),
            bind(ops.REWRAP, facts.Cipher, transit.rewrap),
            bind(ops.CHECK_CIPHERTEXT, facts.Cipher, transit.check),
            bind_state(ops.SET_VERSION, facts.Chosen, secrets.set_version),
            bind_state(ops.PUBLISH_STAGED, facts.Published, staging.publish),
            bind_state(ops.CREATE_SECRET, facts.NewSecret, staging.create),
            bind_state(ops.DELETE_SECRET, facts.SecretName, secrets.remove),
            bind_state(ops.DELETE_VERSION, facts.VersionName, secrets.delete_version),
            bind_state(ops.UNDELETE_VERSION, facts.VersionName, secrets.undelete_version),
            bind_state(ops.DESTROY_VERSION, facts.VersionName, secrets.destroy_version),
            bind(ops.STAGE_PASSWORD, facts.NewPassword, staging.password),
            bind(ops.STAGE_CREDENTIALS, facts.NewCredentials, staging.credentials),
            bind(ops.DISCARD_STAGED, facts.StagedName, staging.discard),
            bind(ops.RENEW_LEASE, facts.Renewal, leases.renew),
            bind(ops.REVOKE_LEASE, facts.LeaseName, leases.revoke),
            bind(ops.GET_TOKEN, facts.Nothing, leases.good),
            bind(ops.RENEW_TOKEN, facts.TokenRenewal, leases.renew_token),
            bind_state(ops.ROTATE_KEY, facts.KeyRotation, transit.rotate),
        )

    @property
    def _secrets(self) -> Secrets:
        return Secrets(Store(self.session, self.mounts.kv), self.digest_key)

    async def _healthy(self, _: facts.Nothing) -> facts.Health:
        return (await self._health())[0]

    async def _health(self) -> tuple[facts.Health, str]:
        """Asked without a token: whoever answers here shows first who it is."""
        request = Request("GET", "/v1/sys/health", query=(("standbyok", "true"), ("perfstandbyok", "true")))
        answer = await self.session.remote.ask(request, accept=STANDBY)
        document = self.session.remote.decoded(request, answer)
        with reading(self.session.remote.name, request.path):
            said = mapping(document)
            cluster = str(said.get("cluster_id") or "")
            return facts.Health(version=str(said["version"]), cluster=cluster, standby=said["standby"] is True), cluster
