"""Tempo: traces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening


class TempoSettings(ServerSettings):
    """A Tempo."""


@asynccontextmanager
async def opened(settings: TempoSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.tempo import TempoClient, TempoSource, TempoToolset
    from steersman.toolsets.tempo.facts import Nothing

    endpoint = settings.endpoint()
    async with open_client(endpoint) as http:
        client = TempoClient(Remote.at("tempo", http, endpoint))
        where = identity("tempo", opening.name, opening.tier, endpoint=endpoint)

        async def version() -> str:
            return (await client.buildinfo(Nothing())).version

        yield Opened(TempoToolset(client, where), where, source=TempoSource(client), version=version)
