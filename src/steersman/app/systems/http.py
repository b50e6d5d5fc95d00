"""Checks of URLs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import Field

from steersman.app.section import Section
from steersman.app.systems.opened import Opened, Opening


class HttpSettings(Section):
    """Which URLs may be checked."""

    hosts: tuple[str, ...]
    """Hosts on the list: `shop.test`, or `*.shop.test` for all below it."""
    private: bool = True
    """Whether a host on the list may have a private address."""
    loopback: bool = False
    """Whether a host on the list may be this machine."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    timeout_s: float = Field(default=10.0, gt=0, le=120)
    """Seconds for one request."""
    max_body_bytes: int = Field(default=2**20, ge=1_024, le=2**26)
    """An answer longer than this is not read to its end."""


@asynccontextmanager
async def opened(settings: HttpSettings, opening: Opening) -> AsyncIterator[Opened]:
    """Open to be asked; nothing is sent yet."""
    import ssl

    import httpx

    from steersman.domain.errors import ConfigError
    from steersman.remote.addresses import Reach
    from steersman.remote.endpoint import list_identity
    from steersman.remote.exchange import Remote
    from steersman.toolsets.http import HttpToolset, Pinned

    reach = Reach(settings.hosts, settings.private, settings.loopback)
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as e:
        raise ConfigError(f"http: ca_file {str(settings.ca_file)!r} cannot be read; mend the path") from e
    transport = Pinned(reach, httpx.AsyncHTTPTransport(verify=context))
    async with httpx.AsyncClient(transport=transport, headers={"user-agent": "steersman"}) as client:
        remote = Remote("http", client, settings.timeout_s, settings.max_body_bytes)
        where = list_identity("http", opening.name, opening.tier, names=settings.hosts)
        yield Opened(HttpToolset(remote, reach, where, opening.clock), where)
