"""An imported description as a toolset whose operations are made when they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from steersman.domain.environment import Environment
from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.overlay import View
from steersman.domain.ports import Binding, CallContext, Clock, Handler
from steersman.remote.addresses import Resolve, networks, resolve
from steersman.remote.endpoint import Endpoint, identity
from steersman.remote.exchange import Remote
from steersman.remote.guarded import GuardedTransport, PinnedBackend
from steersman.toolsets.openapi.calling import Caller, Server
from steersman.toolsets.openapi.kept import Kept, Manifest
from steersman.toolsets.openapi.operations import apply, operation_of, shown, view_operation
from steersman.toolsets.openapi.signing import Credential, Signer

TIMEOUT_S = 30.0
MAX_BODY_BYTES = 8 * 2**20


@dataclass(slots=True)
class OpenApiToolset:
    """Implements `domain.ports.LazyToolset`."""

    kept: Kept
    server: Server
    remote: Remote
    signer: Signer
    _made: dict[str, Binding] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As it was imported."""
        return self.kept.manifest.name

    def names(self) -> Sequence[OperationName]:
        """All operations and views, without making any."""
        overlay = self.kept.manifest.overlay
        verbs = [verb for verb in self.kept.verbs() if verb not in overlay.hidden]
        return [OperationName(f"{self.name}.{verb}") for verb in (*verbs, *overlay.views)]

    def bindings(self) -> Sequence[Binding]:
        """All of them, made."""
        return [self.binding(name) for name in self.names()]

    def binding(self, name: OperationName) -> Binding:
        """One of them. Raises InputError when there is none."""
        verb = name.partition(".")[2]
        if verb not in self._made:
            view = self.kept.manifest.overlay.views.get(verb)
            self._made[verb] = self._binding(verb) if view is None else self._view(verb, view)
        return self._made[verb]

    async def environment(self) -> Environment:
        """The server by its URL: an API says of itself nothing that could be relied on."""
        return environment_of(self.kept.manifest)

    def _binding(self, verb: str) -> Binding:
        operation = described(self.kept, verb)
        said = self.kept.manifest.overlay.operations.get(verb)
        return Binding(operation, self._caller(verb, key_header=said.key_header if said else "", operation=operation))

    def _caller(
        self, verb: str, *, operation: Operation, key_header: str = "", absent: frozenset[int] = frozenset()
    ) -> Caller:
        recipe, _ = self.kept.recipe(verb)
        return Caller(
            recipe,
            self.server,
            self.remote,
            self.signer,
            self.kept.parts,
            absent=absent,
            key_header=key_header,
            writes=operation.effect != "read",
        )

    def _view(self, verb: str, view: View) -> Binding:
        operation = described(self.kept, verb)
        return Binding(operation, _viewing(view, self._caller(view.of, absent=view.absent, operation=operation)))


def described(kept: Kept, verb: str) -> Operation:
    """One operation of a description, as its overlay has it. Raises InputError when there is none."""
    manifest = kept.manifest
    view = manifest.overlay.views.get(verb)
    if verb in manifest.overlay.hidden:
        raise InputError(f"{manifest.name}.{verb} is hidden by its overlay")
    recipe, digest = kept.recipe(view.of if view else verb)
    version = _version(digest, manifest.overlay.operations.get(view.of if view else verb), view)
    operation = operation_of(recipe, manifest.name, parts=kept.parts(recipe.parts), version=version)
    if view is None:
        return apply(operation, manifest.overlay)
    base = apply(operation, manifest.overlay)
    if base.effect != "read":
        raise InputError(f"the overlay's view {verb!r} is made of {view.of!r}, which is a {base.effect}")
    return view_operation(base, verb, view, version=version)


def _version(digest: str, *said: Fact | None) -> int:
    """Another number whenever the definition, or what the operator says of it, is another: old plans are refused."""
    text = digest + "".join(each.model_dump_json() for each in said if each is not None)
    return int(hashlib.sha256(text.encode()).hexdigest()[:7], 16) + 1


def environment_of(manifest: Manifest) -> Environment:
    """The identity of an imported API."""
    return identity("openapi", manifest.name, manifest.tier, endpoint=Endpoint(url=manifest.server))


@asynccontextmanager
async def open_toolset(
    kept: Kept,
    credentials: Mapping[str, Credential],
    *,
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None = None,
    resolver: Resolve = resolve,
) -> AsyncIterator[OpenApiToolset]:
    """The toolset with a connection of its own, which reaches listed addresses only.

    transport: stands in for the network. Raises ConfigError for networks that are none.
    """
    manifest = kept.manifest
    guarded = transport or GuardedTransport(PinnedBackend(networks(manifest.networks), resolver))
    async with httpx.AsyncClient(
        base_url=manifest.server,
        transport=guarded,
        timeout=TIMEOUT_S,
        follow_redirects=False,
        trust_env=False,
        headers={"accept": "application/json, */*;q=0.5", "user-agent": "steersman"},
    ) as client:
        remote = Remote(manifest.name, client, TIMEOUT_S, MAX_BODY_BYTES)
        server = Server(manifest.server, manifest.allowed)
        tokens = frozenset({*manifest.allowed, *_tokens_of(manifest)})
        yield OpenApiToolset(kept, server, remote, Signer(remote, clock, credentials, tokens))


def _tokens_of(manifest: Manifest) -> list[str]:
    """Token servers on the API's own host."""
    host = httpx.URL(manifest.server).host
    urls = [scheme.token_url for scheme in manifest.schemes.values() if scheme.token_url]
    return [
        url
        for url in urls
        if httpx.URL(url).host == host and httpx.URL(url).scheme == httpx.URL(manifest.server).scheme
    ]


def _viewing(view: View, caller: Caller) -> Handler:
    async def handler(arguments: JsonObject, context: CallContext) -> JsonObject:
        return shown(view, await caller(arguments, context))

    return handler
