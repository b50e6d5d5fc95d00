"""A receiver of Prometheus remote write: where figures of load runs are appended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening


class RemoteWriteSettings(ServerSettings):
    """The whole URL of a receiver: `https://mimir/api/v1/push`, or Prometheus' own `http://prom:9090/api/v1/write`."""


@asynccontextmanager
async def opened(settings: RemoteWriteSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be written to; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.remote_write import NAME, RemoteWriteToolset

    endpoint = settings.endpoint()
    async with open_client(endpoint) as http:
        where = identity(NAME, opening.name, opening.tier, endpoint=endpoint)
        yield Opened(RemoteWriteToolset(Remote.at(NAME, http, endpoint), where), where)
