"""Certificates of servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import Field

from steersman.app.section import Section
from steersman.app.systems.opened import Opened, Opening


class TlsSettings(Section):
    """Whose certificates may be looked at."""

    hosts: tuple[str, ...]
    """Hosts on the list: `shop.test`, or `*.shop.test` for all below it."""
    private: bool = True
    """Whether a host on the list may have a private address."""
    loopback: bool = False
    """Whether a host on the list may be this machine."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: float = Field(default=10.0, gt=0, le=120)
    """Seconds for one handshake."""


@asynccontextmanager
async def opened(settings: TlsSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    from steersman.remote.addresses import Reach
    from steersman.remote.endpoint import list_identity
    from steersman.toolsets.tls import TlsToolset

    reach = Reach(settings.hosts, settings.private, settings.loopback)
    where = list_identity("tls", opening.name, opening.tier, names=settings.hosts)
    yield Opened(TlsToolset(reach, where, opening.clock, settings.ca_file, settings.timeout_s), where)
