"""Loki: log lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import Field

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening
from steersman.app.systems.signals import SignalSection


class LokiSettings(ServerSettings):
    """A Loki."""

    signals: SignalSection = SignalSection()
    page_lines: int = Field(default=5_000, ge=10, le=100_000)
    """Lines that it gives at once at most: its `max_entries_limit_per_query`."""


@asynccontextmanager
async def opened(settings: LokiSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.remote.socket import listener
    from steersman.toolsets.loki import LokiClient, LokiSource, LokiToolset
    from steersman.toolsets.loki.facts import Nothing

    endpoint, signals = settings.endpoint(), settings.signals.settings()
    async with open_client(endpoint) as http:
        client = LokiClient(Remote.at("loki", http, endpoint))
        where = identity("loki", opening.name, opening.tier, endpoint=endpoint)
        source = LokiSource(client, signals, page_lines=settings.page_lines)

        async def version() -> str:
            return (await client.buildinfo(Nothing())).version

        yield Opened(
            LokiToolset(client, where, opening.clock, listener("loki", endpoint)), where, source=source, version=version
        )
