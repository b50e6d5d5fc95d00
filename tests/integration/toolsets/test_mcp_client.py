"""Real MCP servers, started and asked: over standard input and output, and over HTTP."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steersman.app.store import CLOCK
from steersman.domain.errors import ConfigError, OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.overlay import Overlay
from steersman.domain.ports import CallContext
from steersman.toolsets.mcp_client.pinned import PinnedServer, ToolDefinition
from steersman.toolsets.mcp_client.session import Launch, open_session
from steersman.toolsets.mcp_client.toolset import McpToolset, open_toolset

SERVER = Path(__file__).parent / "mcp_notes.py"
NOW = datetime.now(UTC)
CONTEXT = CallContext(key="k", deadline=NOW + timedelta(minutes=5))
READS = Overlay.model_validate({"operations": {"surroundings": {"effect": "read"}, "fail": {"effect": "read"}}})


def launch(folder: Path, **more: object) -> Launch:
    return Launch(**{"command": (sys.executable, str(SERVER)), "folder": folder / "home", **more})  # type: ignore[arg-type]


def approved(started: Launch, tools: list[ToolDefinition], overlay: Overlay = READS) -> PinnedServer:
    return PinnedServer(
        name="notes",
        fingerprint=started.fingerprint(),
        address=started.address,
        tools=tuple(tools),
        overlay=overlay,
        approved_at=NOW,
        approved_by="local:test",
    )


@asynccontextmanager
async def opened(started: Launch) -> AsyncIterator[McpToolset]:
    """Approves what the server says now, and opens it."""
    async with open_session("notes", started) as session:
        tools = await session.tools()
    async with open_toolset(approved(started, tools), started, tier="lab", clock=CLOCK) as toolset:
        yield toolset


async def call(toolset: McpToolset, verb: str, **arguments: object) -> dict:
    binding = next(each for each in toolset.bindings() if each.operation.name == f"notes.{verb}")
    return await binding.run(arguments, CONTEXT)  # type: ignore[arg-type]


async def test_approved_tools_are_called_and_a_server_that_died_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    async with opened(launch(tmp_path, env={"GIVEN": "yes"})) as toolset:
        found = {each.operation.name: each.operation.effect for each in toolset.bindings()}
        assert found["notes.add_note"] == "destructive"  # whatever its readOnlyHint says
        assert (await call(toolset, "add_note", name="a", text="x"))["text"] == "1 notes"
        seen = json.loads((await call(toolset, "surroundings"))["text"])
        assert seen["env"]["GIVEN"] == "yes"
        assert seen["env"]["HOME"] == seen["cwd"] == str(tmp_path / "home")
        assert not [key for key in seen["env"] if key.startswith(("AWS", "STEER", "PYTHONPATH"))]
        with pytest.raises(ToolError, match="failed") as failed:
            await call(toolset, "fail")
        assert "\n" not in str(failed.value)
        with pytest.raises(OutcomeUnknownError):
            await call(toolset, "die")
        assert (await call(toolset, "add_note", name="b", text="x"))["text"] == "1 notes"


async def test_a_tool_that_changed_is_not_called_until_it_is_approved_again(tmp_path: Path) -> None:
    started = launch(tmp_path)
    async with open_session("notes", started) as session:
        tools = await session.tools()
        other = [tool.model_copy(update={"description": "Adds a note."}) for tool in tools]
        toolset = McpToolset(approved(started, other), session, None, CLOCK)  # type: ignore[arg-type]  # nobody asks where
        with pytest.raises(ToolError, match="changed since it was approved"):
            await call(toolset, "add_note", name="a")
        few = McpToolset(
            approved(started, [*tools, tools[0].model_copy(update={"name": "gone"})]),
            session,
            None,
            CLOCK,  # type: ignore[arg-type]
        )
        with pytest.raises(ToolError, match="is gone"):
            await call(few, "gone")


async def test_a_slow_tool_has_an_unknown_outcome(tmp_path: Path) -> None:
    async with opened(launch(tmp_path, timeout_s=15.0)) as toolset:
        object.__setattr__(toolset.session, "launch", launch(tmp_path, timeout_s=1.0))
        with pytest.raises((OutcomeUnknownError, UnavailableError)):
            await call(toolset, "sleep")


async def test_a_server_that_cannot_be_started_is_unavailable(tmp_path: Path) -> None:
    for command in (("/nonexistent/server",), (sys.executable, "-c", "raise SystemExit(1)")):
        async with open_session("notes", launch(tmp_path, command=command)) as session:
            with pytest.raises(UnavailableError) as caught:
                await session.tools()
            assert "\n" not in str(caught.value)


async def test_another_command_than_was_approved_is_refused(tmp_path: Path) -> None:
    server = approved(launch(tmp_path), [])
    with pytest.raises(ConfigError, match="otherwise"):
        async with open_toolset(server, launch(tmp_path, command=("evil",)), tier="lab", clock=CLOCK):
            pass


async def test_streamable_http_is_spoken(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = await asyncio.create_subprocess_exec(
        sys.executable, str(SERVER), "--http", str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        web = launch(tmp_path, command=(), url=f"http://127.0.0.1:{port}/mcp")
        async with opened(web) as toolset:
            assert (await call(toolset, "add_note", name="a"))["text"] == "1 notes"
    finally:
        server.terminate()
        await server.wait()
