"""Approved MCP servers: kept under `home`, signed with the journal's key."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from steersman.app.importing import overlay_in
from steersman.app.secrets import resolve
from steersman.app.settings import Settings
from steersman.app.store import CLOCK, keyring, local_id
from steersman.app.systems.mcp import McpServerSettings
from steersman.app.wiring import Connection
from steersman.domain.errors import ConfigError, InputError, IntegrityError
from steersman.domain.fact import canonical
from steersman.domain.operation import Operation

if TYPE_CHECKING:
    from steersman.toolsets.mcp_client.pinned import Difference, PinnedServer
    from steersman.toolsets.mcp_client.session import Launch

KIND = "mcp"
FOLDER = "mcp"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_SECRET = re.compile(r"(env|file|vault):.+")


def path_of(home: Path, name: str) -> Path:
    """Where an approval is kept."""
    return home / FOLDER / f"{name}.json"


def names(settings: Settings) -> list[str]:
    """All servers that were approved."""
    return sorted(path.stem for path in (settings.home / FOLDER).glob("*.json"))


def pinned(home: Path, name: str) -> PinnedServer:
    """What was approved. Raises ConfigError when nothing was, IntegrityError when the file is not what was written."""
    from steersman.toolsets.mcp_client.pinned import PinnedServer

    path = path_of(home, name)
    if not _NAME.fullmatch(name) or not path.is_file():
        raise ConfigError(f"mcp server {name!r} is not approved; look at its tools: `steer tools approve-mcp {name}`")
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        server = PinnedServer.model_validate(held["server"])
        signature = str(held["signature"])
    except (ValueError, KeyError, TypeError, ValidationError) as e:
        raise IntegrityError(f"the approval of mcp server {name!r} cannot be read; approve it again") from e
    if server.name != name or not keyring(Settings(home=home)).verifies("definition", canonical(server), signature):
        raise IntegrityError(f"the approval of mcp server {name!r} was not signed here; approve it again")
    return server


def launch_of(home: Path, name: str, section: McpServerSettings) -> Launch:
    """How it is reached, secrets resolved."""
    from steersman.toolsets.mcp_client.session import Launch

    env = {
        key: resolve(value).get_secret_value() if _SECRET.fullmatch(value) else value
        for key, value in section.env.items()
    }
    token = resolve(section.token).get_secret_value() if section.token is not None else ""
    return Launch(
        command=section.command,
        url=section.url,
        env=env,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout_s=section.timeout_s,
        folder=home / FOLDER / f"{name}.home",
    )


async def look(
    settings: Settings, name: str, section: McpServerSettings, *, overlay: Path | None
) -> tuple[PinnedServer, Difference]:
    """What approving would keep, and how that differs from what is kept. Changes nothing."""
    from steersman.toolsets.mcp_client.pinned import PinnedServer, differences, operations
    from steersman.toolsets.mcp_client.session import open_session

    _must_be_free(settings, name)
    launch = launch_of(settings.home, name, section)
    async with open_session(name, launch) as session:
        live = await session.tools()
    before = pinned(settings.home, name) if path_of(settings.home, name).is_file() else None
    kept = before.overlay if before and overlay is None else overlay_in(overlay)
    server = PinnedServer(
        name=name,
        fingerprint=launch.fingerprint(),
        address=launch.address,
        tools=tuple(sorted(live, key=lambda tool: tool.name)),
        overlay=kept,
        approved_at=CLOCK.now(),
        approved_by=local_id(),
    )
    operations(server)
    return server, differences(before.tools if before else (), server.tools)


def approve(settings: Settings, server: PinnedServer) -> None:
    """Keeps it."""
    path = path_of(settings.home, server.name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    signature = keyring(settings).sign("definition", canonical(server))
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({"server": server.model_dump(mode="json", by_alias=True), "signature": signature}))
    beside.chmod(0o600)
    beside.replace(path)


def forget(settings: Settings, name: str) -> None:
    """Takes an approval back. Raises ConfigError when there is none."""
    pinned(settings.home, name)
    path_of(settings.home, name).unlink()


def operations_of(settings: Settings, name: str) -> list[Operation]:
    """The operations of an approved server."""
    from steersman.toolsets.mcp_client.pinned import operations

    return [operation for operation, _ in operations(pinned(settings.home, name))]


def is_approved(settings: Settings, name: str) -> bool:
    """Whether there is an approval of that name."""
    return bool(_NAME.fullmatch(name)) and path_of(settings.home, name).is_file()


@asynccontextmanager
async def connected(settings: Settings, name: str) -> AsyncIterator[Connection]:
    """One server as an environment of its own, with the tier of the environment that it is configured in."""
    from steersman.toolsets.mcp_client.toolset import open_toolset

    section = section_of(settings, name)
    tier = next(each.tier for each in settings.environments.values() if name in each.mcp)
    launch = launch_of(settings.home, name, section)
    async with open_toolset(pinned(settings.home, name), launch, tier=tier, clock=CLOCK) as toolset:
        yield Connection(environment=toolset.where, toolsets=(toolset,))


def section_of(settings: Settings, name: str, env: str = "") -> McpServerSettings:
    """How a server is configured. Raises InputError when it is in no environment, or differently in several."""
    held: Mapping[str, McpServerSettings] = {
        called: section.mcp[name]
        for called, section in settings.environments.items()
        if name in section.mcp and env in ("", called)
    }
    if not held:
        raise InputError(f"no environment has an mcp server {name!r}; add it under environments.NAME.mcp")
    if len({section.model_dump_json() for section in held.values()}) > 1:
        raise InputError(f"mcp server {name!r} is configured in {', '.join(held)}; say which with --env")
    return next(iter(held.values()))


def _must_be_free(settings: Settings, name: str) -> None:
    from steersman.app import apis
    from steersman.app.catalogue import all_operations

    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name for an mcp server: small letters, digits and _")
    if name in {each.toolset for each in all_operations()} or apis.is_imported(settings, name):
        raise InputError(f"{name!r} is the name of a system or an imported API; call the mcp server otherwise")
