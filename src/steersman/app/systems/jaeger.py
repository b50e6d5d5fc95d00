"""Jaeger: traces, by its query API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening


class JaegerSettings(ServerSettings):
    """A Jaeger query service."""


@asynccontextmanager
async def opened(settings: JaegerSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.jaeger import JaegerClient, JaegerSource, JaegerToolset
    from steersman.toolsets.jaeger.facts import Nothing

    endpoint = settings.endpoint()
    async with open_client(endpoint) as http:
        client = JaegerClient(Remote.at("jaeger", http, endpoint))
        where = identity("jaeger", opening.name, opening.tier, endpoint=endpoint)

        async def version() -> str:
            return f"{len((await client.services(Nothing())).names)} services"

        yield Opened(JaegerToolset(client, where), where, source=JaegerSource(client), version=version)
