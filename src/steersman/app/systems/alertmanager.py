"""Alertmanager: alerts and silences."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening


class AlertmanagerSettings(ServerSettings):
    """An Alertmanager, or Grafana's own at `https://grafana/api/alertmanager/grafana`."""


@asynccontextmanager
async def opened(settings: AlertmanagerSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.alertmanager import AlertmanagerClient, AlertmanagerSource, AlertmanagerToolset
    from steersman.toolsets.alertmanager.facts import Nothing

    endpoint = settings.endpoint()
    async with open_client(endpoint) as http:
        client = AlertmanagerClient(Remote.at("alertmanager", http, endpoint))
        where = identity("alertmanager", opening.name, opening.tier, endpoint=endpoint)

        async def version() -> str:
            return (await client.status(Nothing())).version

        yield Opened(
            AlertmanagerToolset(client, where, opening.clock), where, source=AlertmanagerSource(client), version=version
        )
