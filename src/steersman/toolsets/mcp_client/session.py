"""A connection to one MCP server: opened at the first question, by a task of its own, and again after it died."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steersman.domain.errors import ConfigError, ToolError, UnavailableError
from steersman.domain.fact import Digest, digest
from steersman.remote.text import one_line
from steersman.toolsets.mcp_client.pinned import MAX_TOOLS, ToolDefinition

if TYPE_CHECKING:
    from mcp import Client

MAX_PAGES = 50
CONNECT_S = 20.0
CLOSED = -32000
"""What the SDK says when the server is gone."""
_NOBODY = {"USER": "steersman", "LOGNAME": "steersman", "SHELL": "/bin/false", "TERM": "dumb"}


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is reached: a command that is started, or a URL."""

    command: tuple[str, ...] = ()
    url: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that the command gets, and no others but PATH and LANG; secrets resolved."""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0
    folder: Path = Path()
    """Where the command lives: its HOME and working directory."""

    @property
    def address(self) -> str:
        """For people."""
        return self.url or " ".join(self.command)

    def fingerprint(self) -> Digest:
        """Of what is started or asked; not of secrets, which rotate."""
        return digest({"command": [*self.command], "url": self.url, "env": [*sorted(self.env)]})


@dataclass(slots=True)
class Session:
    """Asks a server. Raises UnavailableError when it is not there, ToolError when it answers nonsense."""

    name: str
    launch: Launch
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """Kept and awaited: a TaskGroup would wrap whatever its user raises."""
    _client: asyncio.Future[Client] | None = None
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def tools(self) -> list[ToolDefinition]:
        """All tools of the server, as it defines them now."""
        client = await self.client()
        found: list[ToolDefinition] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._ask(client.list_tools(cursor=cursor, cache_mode="refresh"))
            found += [_defined(tool) for tool in page.tools]
            cursor = page.next_cursor
            if len(found) > MAX_TOOLS:
                raise ToolError(f"{self.name}: more than {MAX_TOOLS} tools")
            if not cursor:
                return found
        raise ToolError(f"{self.name}: its list of tools has more than {MAX_PAGES} pages")

    async def client(self) -> Client:
        """The connection, opened when there is none."""
        if self._client is None:
            self._client = asyncio.get_running_loop().create_future()
            self._over = asyncio.Event()
            self._tasks.add(asyncio.create_task(self._live(self._client, self._over)))
        try:
            async with asyncio.timeout(CONNECT_S):
                return await asyncio.shield(self._client)
        except TimeoutError as e:
            self.drop()
            raise UnavailableError(f"{self.name}: no connection within {CONNECT_S:g} s; is the server up?") from e

    def drop(self) -> None:
        """Gives the connection up; the next question opens a new one."""
        self._over.set()
        self._client = None

    async def close(self) -> None:
        """Gives up, and waits until the server is gone."""
        self.drop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, question: Any) -> Any:
        from mcp import MCPError

        try:
            async with asyncio.timeout(self.launch.timeout_s):
                return await question
        except TimeoutError as e:
            self.drop()
            raise UnavailableError(f"{self.name}: no answer within {self.launch.timeout_s:g} s") from e
        except MCPError as e:
            if e.code == CLOSED:
                self.drop()
                raise UnavailableError(f"{self.name}: the connection broke; ask again") from e
            raise ToolError(f"{self.name}: {one_line(str(e))}") from e
        except (OSError, RuntimeError, EOFError, ValueError) as e:
            self.drop()
            raise UnavailableError(f"{self.name}: the connection broke ({type(e).__name__})") from e

    async def _live(self, ready: asyncio.Future[Client], over: asyncio.Event) -> None:
        """Holds the connection open: whoever opens it has to close it, so one task does both."""
        import httpx2
        from mcp import Client, MCPError

        try:
            async with (
                _transport(self.launch) as transport,
                Client(transport, read_timeout_seconds=self.launch.timeout_s, input_required_max_rounds=1) as client,
            ):
                if not ready.done():
                    ready.set_result(client)
                await over.wait()
        except (OSError, RuntimeError, ValueError, MCPError, httpx2.HTTPError, ExceptionGroup) as e:
            if not ready.done():
                ready.set_exception(
                    UnavailableError(f"{self.name}: {self.launch.address[:120]!r} cannot be reached ({_first(e)})")
                )
                ready.exception()
        finally:
            if self._client is ready:
                self._client = None


@asynccontextmanager
async def open_session(name: str, launch: Launch) -> AsyncIterator[Session]:
    """A session that connects at the first question."""
    if bool(launch.command) == bool(launch.url):
        raise ConfigError(f"mcp server {name!r}: give either a command or a url")
    try:
        import mcp  # noqa: F401  # only whether it is there
    except ImportError as e:
        raise ConfigError(f"mcp server {name!r} needs a package: pip install 'steersman[mcp]'") from e
    session = Session(name, launch)
    try:
        yield session
    finally:
        await session.close()


def environment_of(launch: Launch) -> dict[str, str]:
    """Variables of a started server: nothing of ours but PATH and LANG, and a home of its own."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    return {**kept, **_NOBODY, "HOME": str(launch.folder), **launch.env}


@asynccontextmanager
async def _transport(launch: Launch) -> AsyncIterator[Any]:
    """What `Client` takes."""
    if launch.command:
        from mcp.client.stdio import StdioServerParameters, stdio_client

        launch.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        program, *arguments = launch.command
        started = StdioServerParameters(command=program, args=arguments, env=environment_of(launch), cwd=launch.folder)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: ASYNC230, PTH123  # nothing is waited for
            yield stdio_client(started, errlog=nowhere)
        return
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async with httpx2.AsyncClient(
        headers=dict(launch.headers), timeout=launch.timeout_s, follow_redirects=False, trust_env=False
    ) as http:
        opened: AbstractAsyncContextManager[Any] = streamable_http_client(launch.url, http_client=http)
        yield opened


def _defined(tool: Any) -> ToolDefinition:
    annotations = tool.annotations.model_dump(mode="json", exclude_none=True) if tool.annotations else {}
    return ToolDefinition(
        name=tool.name,
        title=tool.title or "",
        description=tool.description or "",
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=annotations,
    )


def _first(error: BaseException) -> str:
    here = error
    while isinstance(here, BaseExceptionGroup) and here.exceptions:
        here = here.exceptions[0]
    return one_line(f"{type(here).__name__}: {here}", limit=120)
