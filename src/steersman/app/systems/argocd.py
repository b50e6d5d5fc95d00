"""An Argo CD server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from steersman.app.section import ServerSettings
from steersman.app.systems.opened import Opened, Opening


class ArgocdSettings(ServerSettings):
    """Argo CD, with a token of a project role or account."""


@asynccontextmanager
async def opened(settings: ArgocdSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import identity, open_client
    from steersman.remote.exchange import Remote
    from steersman.toolsets.argocd import ArgocdToolset

    endpoint = settings.endpoint()
    async with open_client(endpoint) as http:
        where = identity("argocd", opening.name, opening.tier, endpoint=endpoint)
        yield Opened(ArgocdToolset(Remote.at("argocd", http, endpoint), where, opening.clock), where)
