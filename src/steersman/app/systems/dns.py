"""Names resolved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import Field

from steersman.app.section import Section
from steersman.app.systems.opened import Opened, Opening


class DnsSettings(Section):
    """Which names may be asked for, and whom."""

    names: tuple[str, ...]
    """Names on the list: `shop.test`, or `*.shop.test` for all below it; a name can carry data out."""
    servers: tuple[str, ...] = ()
    """Addresses of servers; empty: those of the system."""
    port: int = Field(default=53, ge=1, le=65_535)
    """Their port."""
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    """Seconds for one question."""


@asynccontextmanager
async def opened(settings: DnsSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.endpoint import list_identity
    from steersman.toolsets.dns import DnsToolset, Servers

    where = list_identity("dns", opening.name, opening.tier, names=(*settings.names, *settings.servers))
    servers = Servers(settings.servers, settings.port, settings.timeout_s)
    yield Opened(DnsToolset(servers, settings.names, where, opening.clock), where)
