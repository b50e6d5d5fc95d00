"""Vault as a toolset: the operations of one server and namespace, with one KV mount."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from steersman.domain.environment import Environment
from steersman.domain.errors import UnavailableError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext
from steersman.domain.reference import SecretPlace
from steersman.domain.typed import Takes, bind, parse
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
            _state(ops.GET_SECRET, facts.SecretName, in_force),
            bind(ops.DESCRIBE_SECRET, facts.SecretName, secrets.describe),
            _state(ops.GET_VERSION, facts.VersionName, secrets.version_state),
            bind(ops.GET_STAGED, facts.StagedName, staging.state),
            bind(ops.DESCRIBE_STAGED, facts.StagedName, staging.describe),
            bind(ops.GET_LEASE, facts.LeaseName, leases.state),
            bind(ops.DESCRIBE_LEASE, facts.LeaseName, leases.describe),
            _state(ops.GET_KEY, facts.KeyName, transit.state),
            bind(ops.ENCRYPT, facts.Plain, transit.encrypt),
            bind(ops.REWRAP, facts.Cipher, transit.rewrap),
            bind(ops.CHECK_CIPHERTEXT, facts.Cipher, transit.check),
            _state(ops.SET_VERSION, facts.Chosen, secrets.set_version),
            _state(ops.PUBLISH_STAGED, facts.Published, staging.publish),
            _state(ops.CREATE_SECRET, facts.NewSecret, staging.create),
            _state(ops.DELETE_SECRET, facts.SecretName, secrets.remove),
            _state(ops.DELETE_VERSION, facts.VersionName, secrets.delete_version),
            _state(ops.UNDELETE_VERSION, facts.VersionName, secrets.undelete_version),
            _state(ops.DESTROY_VERSION, facts.VersionName, secrets.destroy_version),
            bind(ops.STAGE_PASSWORD, facts.NewPassword, staging.password),
            bind(ops.STAGE_CREDENTIALS, facts.NewCredentials, staging.credentials),
            bind(ops.DISCARD_STAGED, facts.StagedName, staging.discard),
            bind(ops.RENEW_LEASE, facts.Renewal, leases.renew),
            bind(ops.REVOKE_LEASE, facts.LeaseName, leases.revoke),
            bind(ops.RENEW_TOKEN, facts.TokenRenewal, leases.renew_token),
            _state(ops.ROTATE_KEY, facts.KeyRotation, transit.rotate),
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


def _state(operation: Operation, takes: type[Takes], run: Callable[[Takes], Awaitable[Fact]]) -> Binding:
    """Like `bind`, for states: what is not known of a thing is left out, so that absence is `exists: false` alone."""

    async def handler(arguments: JsonObject, _: CallContext) -> JsonObject:
        return (await run(parse(takes, arguments))).model_dump(mode="json", exclude_none=True)

    return Binding(operation, handler)
