"""MCP servers whose tools were approved, as part of an environment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from pydantic import Field

from steersman.app.section import Reference, Section
from steersman.app.systems.opened import Opened, Opening


class McpServerSettings(Section):
    """One server: a command that is started, or a URL."""

    command: tuple[str, ...] = ()
    """The program and its arguments, for a server that speaks over its standard input and output."""
    url: str = ""
    """Where a server is that speaks streamable HTTP."""
    env: dict[str, str] = {}
    """Variables for the command, beside PATH and LANG, which is all that it gets; `env:NAME` and `file:PATH` are
    resolved.
    """
    token: Reference | None = None
    """Bearer token for the URL, as `env:NAME` or `file:PATH`."""
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    """Seconds that one answer may take."""


@asynccontextmanager
async def opened(settings: Mapping[str, McpServerSettings], opening: Opening) -> AsyncIterator[tuple[Opened, ...]]:
    """Ready to be called; nothing is started or asked yet."""
    from steersman.app import mcp_servers

    if not settings:
        yield ()
        return
    from steersman.toolsets.mcp_client.toolset import open_toolset

    async with AsyncExitStack() as stack:
        found = []
        for name, section in settings.items():
            server = mcp_servers.pinned(opening.home, name)
            launch = mcp_servers.launch_of(opening.home, name, section)
            toolset = await stack.enter_async_context(
                open_toolset(server, launch, tier=opening.tier, clock=opening.clock)
            )
            found.append(Opened(toolset, await toolset.environment()))
        yield tuple(found)
