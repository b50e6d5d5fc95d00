"""Grafana: dashboards, annotations, alert rules, links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening


class GrafanaSettings(ServerSettings):
    """A Grafana, as a service account: `auth: {kind: bearer, token: env:GRAFANA_TOKEN}`."""

    datasources: dict[Literal["prometheus", "loki", "tempo"], str] = {}
    """Uids of the data sources that links open, by type; others are asked for, the default one first."""
    api: Literal["auto", "legacy", "apis"] = "auto"
    """How dashboards are read and written: the newer `/apis` where the server has it, or always one of the two."""
    namespace: str = "default"
    """Of the newer API: `default` for the first organisation, `org-2`, or `stacks-ID` in the cloud."""


@asynccontextmanager
async def opened(settings: GrafanaSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.grafana import GrafanaClient, GrafanaSource, GrafanaToolset
    from steersman.toolsets.grafana.facts import Nothing, Search

    endpoint = settings.endpoint()
    async with open_client(endpoint) as http:
        client = GrafanaClient(Remote.at("grafana", http, endpoint), api=settings.api, namespace=settings.namespace)
        where = identity("grafana", opening.name, opening.tier, endpoint=endpoint)
        source = GrafanaSource(client, {str(kind): uid for kind, uid in settings.datasources.items()})

        async def version() -> str:
            health = await client.health(Nothing())
            # Anybody may ask for its health: whether the token is taken shows only here.
            await client.search(Search(limit=1))
            return f"{health.version}, database {health.database}"

        yield Opened(GrafanaToolset(client, where), where, source=source, version=version)
