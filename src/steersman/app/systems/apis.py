"""APIs that were imported with `steer tools import-openapi`, as part of an environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from steersman.app.section import Section
from steersman.app.systems.opened import Opened, Opening


class ApisSettings(Section):
    """Which of the imported APIs belong to the environment."""

    names: tuple[str, ...] = ()
    """Names that they were imported under; their operations can then be used in plans for this environment."""


@asynccontextmanager
async def opened(settings: ApisSettings, opening: Opening) -> AsyncIterator[tuple[Opened, ...]]:
    """Open to be called; nothing is sent yet."""
    from steersman.app import apis
    from steersman.app.settings import Settings

    async with AsyncExitStack() as stack:
        found = []
        for name in settings.names:
            toolset = await stack.enter_async_context(apis.opened(Settings(home=opening.home), name))
            found.append(Opened(toolset, await toolset.environment()))
        yield tuple(found)
