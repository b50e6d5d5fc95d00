"""Registries of images: one of our own, and those that base images come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from steersman.app.secrets import resolve
from steersman.app.section import BasicAuthSettings, BearerAuthSettings, NoAuthSettings, ServerSettings
from steersman.app.systems.opened import Opened, Opening

if TYPE_CHECKING:
    from steersman.remote.endpoint import Endpoint
    from steersman.toolsets.registry import RegistryClient


class OneRegistrySettings(ServerSettings):
    """A registry; `auth` of kind basic is what its token server is given as well."""

    token_hosts: tuple[str, ...] = ()
    """Token servers of another domain that may be given the credentials."""


class RegistrySettings(OneRegistrySettings):
    """Our registry, and others by the host that names of images begin with."""

    others: dict[str, OneRegistrySettings] = {}
    """For example `{docker.io: {url: "https://registry-1.docker.io"}}`."""


@asynccontextmanager
async def opened(settings: RegistrySettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity
    from steersman.toolsets.registry import Registries, RegistryToolset

    async with AsyncExitStack() as stack:
        endpoint = settings.endpoint()
        own = await _client(settings, endpoint, stack=stack)
        hosts = {name: await _client(each, each.endpoint(), stack=stack) for name, each in settings.others.items()}
        registries = Registries(own, {_host(endpoint): own, **hosts})
        where = identity("registry", opening.name, opening.tier, endpoint=endpoint)
        yield Opened(RegistryToolset(registries, where, opening.clock), where)


async def _client(settings: OneRegistrySettings, endpoint: Endpoint, *, stack: AsyncExitStack) -> RegistryClient:
    from steersman.remote.endpoint import NoAuth, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.registry import RegistryClient
    from steersman.toolsets.registry.auth import TokenAuth

    anonymous = endpoint.model_copy(update={"auth": NoAuth(), "headers": {}})
    bearer = isinstance(settings.auth, BearerAuthSettings)
    http = await stack.enter_async_context(open_client(endpoint if bearer else anonymous))
    plain = await stack.enter_async_context(open_client(anonymous))
    hosts = frozenset(settings.token_hosts)
    match settings.auth:
        case BasicAuthSettings(username=username, password=password):
            http.auth = TokenAuth(username, resolve(password), token_hosts=hosts)
        case NoAuthSettings():
            http.auth = TokenAuth("", None, token_hosts=hosts)
    name = _host(endpoint)
    return RegistryClient(Remote.at(name, http, endpoint), Remote.at(name, plain, endpoint))


def _host(endpoint: Endpoint) -> str:
    """As names of images say it."""
    return endpoint.url.partition("://")[2].partition("/")[0]
