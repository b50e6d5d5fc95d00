"""An approved MCP server as a toolset. A tool whose definition is not the approved one is not called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from steersman.domain.environment import Environment, Tier
from steersman.domain.errors import ConfigError, OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext, Clock, Handler
from steersman.remote.schemas.checking import validator
from steersman.remote.text import one_line
from steersman.toolsets.mcp_client.pinned import PinnedServer, ToolDefinition, operations, promised
from steersman.toolsets.mcp_client.session import CLOSED, Launch, Session, open_session

TEXT = 200_000
"""Characters of a tool's answer that are kept."""
LOOKED_S = 60.0
"""Definitions are compared again before every change, and before a read when the last look is older."""
_NOT_DONE = frozenset({-32700, -32600, -32601, -32602})
"""Errors of JSON-RPC that mean that nothing was tried."""


@dataclass(slots=True)
class McpToolset:
    """Implements `domain.ports.Toolset`. Listing its operations asks nobody."""

    server: PinnedServer
    session: Session
    where: Environment
    clock: Clock
    _looked_at: float | None = None
    _live: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As configured."""
        return self.server.name

    def bindings(self) -> Sequence[Binding]:
        """Every approved tool."""
        return [Binding(operation, self._handler(operation, tool)) for operation, tool in operations(self.server)]

    async def environment(self) -> Environment:
        """The server by its command or URL."""
        return self.where

    def _handler(self, operation: Operation, tool: ToolDefinition) -> Handler:
        writes = operation.effect != "read"

        async def handler(arguments: JsonObject, context: CallContext) -> JsonObject:
            del context
            await self._must_be_as_approved(tool, writes=writes)
            return await self._call(tool, arguments, writes=writes)

        return handler

    async def _must_be_as_approved(self, tool: ToolDefinition, *, writes: bool) -> None:
        now = self.clock.monotonic()
        if writes or self._looked_at is None or now - self._looked_at > LOOKED_S:
            self._live = {each.name: each.digest() for each in await self.session.tools()}
            self._looked_at = now
        live = self._live.get(tool.name)
        if live != tool.digest():
            said = "is gone" if live is None else "has changed since it was approved"
            raise ToolError(
                f"{self.name}: tool {tool.name!r} {said}; look at it: `steer tools approve-mcp {self.name}`"
            )

    async def _call(self, tool: ToolDefinition, arguments: JsonObject, *, writes: bool) -> JsonObject:
        from mcp import InputRequiredRoundsExceededError, MCPError

        client = await self.session.client()
        lost = OutcomeUnknownError if writes else UnavailableError
        try:
            async with asyncio.timeout(self.session.launch.timeout_s):
                result = await client.call_tool(tool.name, arguments)
        except TimeoutError as e:
            self.session.drop()
            raise lost(f"{self.name}: {tool.name!r} did not answer in {self.session.launch.timeout_s:g} s") from e
        except InputRequiredRoundsExceededError as e:
            raise lost(f"{self.name}: {tool.name!r} asks for more input, which is not given") from e
        except MCPError as e:
            if e.code == CLOSED:
                self.session.drop()
            said = f"{self.name}: {tool.name!r}: {one_line(str(e))}"
            known = e.code in _NOT_DONE or not writes
            raise (ToolError(said) if known else OutcomeUnknownError(said)) from e
        except (OSError, RuntimeError, EOFError, ValueError) as e:
            self.session.drop()
            raise lost(f"{self.name}: the connection broke during {tool.name!r} ({type(e).__name__})") from e
        return _output(self.name, tool, result, writes=writes)


@asynccontextmanager
async def open_toolset(server: PinnedServer, launch: Launch, *, tier: Tier, clock: Clock) -> AsyncIterator[McpToolset]:
    """The toolset, not yet connected. Raises ConfigError when the server is configured otherwise than was approved."""
    if server.fingerprint != launch.fingerprint():
        raise ConfigError(
            f"mcp server {server.name!r} is configured otherwise than when it was approved; "
            f"`steer tools approve-mcp {server.name}`"
        )
    async with open_session(server.name, launch) as session:
        yield McpToolset(server, session, environment_of(server, tier), clock)


def environment_of(server: PinnedServer, tier: Tier) -> Environment:
    """The identity of a server."""
    uid = server.fingerprint.removeprefix("sha256:")[:16]
    return Environment(kind="mcp", name=server.name, uid=uid, url=server.address, tier=tier)


def _output(server: str, tool: ToolDefinition, result: Any, *, writes: bool) -> JsonObject:
    texts = [item.text for item in result.content if getattr(item, "type", "") == "text"]
    text = "\n".join(texts)[:TEXT]
    if result.is_error:
        said = f"{server}: {tool.name!r} failed: {one_line(text) or 'it gave no reason'}"
        raise OutcomeUnknownError(said) if writes else ToolError(said)
    structured = result.structured_content
    output: JsonObject = {"text": text, "structured": structured, "valid": None}
    attachments = [one_line(str(getattr(item, "type", "?")), limit=40) for item in result.content]
    if others := [kind for kind in attachments if kind != "text"]:
        output["attachments"] = [*others]
    schema = promised(tool)
    if schema is not None:
        problem = _wrong(schema, structured)
        output["valid"] = not problem
        if problem:
            output["problem"] = problem
    return output


def _wrong(schema: JsonObject, value: Any) -> str:
    """How an answer differs from what the server itself promised."""
    error = next(iter(validator(schema).iter_errors(value)), None)
    return "" if error is None else one_line(error.message, limit=200)
