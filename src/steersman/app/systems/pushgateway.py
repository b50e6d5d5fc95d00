"""A Pushgateway: where figures of load runs are published."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening


class PushgatewaySettings(ServerSettings):
    """A Prometheus Pushgateway."""


@asynccontextmanager
async def opened(settings: PushgatewaySettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.pushgateway import NAME, PushgatewayToolset

    endpoint = settings.endpoint()
    async with open_client(endpoint) as http:
        where = identity(NAME, opening.name, opening.tier, endpoint=endpoint)
        toolset = PushgatewayToolset(Remote.at(NAME, http, endpoint), where)
        yield Opened(toolset, where, version=toolset.version)
