"""Labs as environments: brought up and down, found, and connected to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from steersman.app.catalogue import TELEMETRY
from steersman.app.loads import load_toolsets
from steersman.app.settings import Settings
from steersman.app.wiring import Connection
from steersman.domain.errors import InputError
from steersman.domain.ids import OperationName
from steersman.domain.source_operations import SourceToolset
from steersman.lab import control
from steersman.lab.record import record as capture
from steersman.lab.state import LabInfo, labs
from steersman.toolsets.lab import LabToolset
from steersman.toolsets.lab_telemetry import SIGNALS, LabSource

TIMEOUT_S = 30.0


async def up(settings: Settings, *, name: str = control.NAME, rate: float = control.RATE) -> LabInfo:
    """Brings a lab up that outlives this process, or finds it up."""
    started = await asyncio.to_thread(control.up, settings.home, name, rate=rate, keep=True)
    return started.info


async def down(settings: Settings, *, name: str) -> bool:
    """Takes a lab down; False when it was not up."""
    return await asyncio.to_thread(control.down, settings.home, name)


def find(settings: Settings, *, name: str = "", uid: str = "") -> LabInfo:
    """The lab of that name or uid, or the only one that is up. Raises InputError that says which there are."""
    running = [each.info for each in labs(settings.home) if each.info is not None]
    fitting = [info for info in running if name in ("", info.name) and uid in ("", info.uid)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(sorted(repr(info.name) for info in running)) or "none"
    if not running:
        raise InputError("no environment: no lab is up; `steer lab up` brings one up")
    if uid:
        raise InputError(f"the lab {uid!r} that this belongs to is not up (up: {names})")
    raise InputError(f"which lab? up are {names}; say --lab NAME")


async def record(settings: Settings, to: Path, *, minutes: float, name: str = "") -> Path:
    """Writes a lab's telemetry of the last minutes as a capture. Raises InputError when the folder holds something."""
    return await asyncio.to_thread(_record, find(settings, name=name), to, minutes)


def _record(info: LabInfo, to: Path, minutes: float) -> Path:
    if to.exists() and any(to.iterdir()):
        raise InputError(f"{str(to)!r} is not empty; name a new folder for the capture")
    capture(info, to, until=datetime.now(UTC), since_s=60 * minutes)
    return to


@asynccontextmanager
async def connected(settings: Settings, *, name: str = "", uid: str = "") -> AsyncIterator[Connection]:
    """A lab, with the toolsets that act on it and see it."""
    info = find(settings, name=name, uid=uid)
    async with (
        _client(info.url, info.token) as controls,
        _client(info.collector_url, info.collector_token) as collector,
    ):
        toolset = LabToolset(controls)
        telemetry = SourceToolset(TELEMETRY, LabSource(collector), info.environment)
        yield Connection(
            environment=await toolset.environment(),
            toolsets=(toolset, telemetry, *load_toolsets(settings.home, toolset.environment)),
            list_services=OperationName("lab.list_services"),
            signals=SIGNALS,
        )


def _client(url: str, token: str) -> httpx.AsyncClient:
    """trust_env off: a proxy of the user's is not on the way to this machine."""
    return httpx.AsyncClient(
        base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=TIMEOUT_S, trust_env=False
    )
