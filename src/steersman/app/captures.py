"""Recorded incidents as environments that can only be looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from steersman.app.wiring import App, Connection, new_run_id
from steersman.diagnosis.bundle import Bundle
from steersman.domain.call import Call
from steersman.domain.environment import Environment
from steersman.domain.errors import UnavailableError
from steersman.domain.fact import digest
from steersman.domain.ids import StepId
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.toolsets.capture import series_of
from steersman.toolsets.capture.columns import read_case, utc
from steersman.toolsets.capture.toolset import READ, CaptureToolset


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture: how to connect to it, and what its description says."""

    toolset: CaptureToolset
    window: Window
    alert_at: datetime | None
    name: str

    @property
    def connection(self) -> Connection:
        """The capture as an environment."""
        return Connection(environment=self.where, toolsets=(self.toolset,))

    @property
    def where(self) -> Environment:
        """Its identity."""
        return _environment(self.name)


@asynccontextmanager
async def captured(directory: Path) -> AsyncIterator[Captured]:
    """Opens a capture. Raises InputError when the directory holds none."""
    case = read_case(directory)
    name = case.case_id or directory.name
    window = Window(start=utc(case.window_start), end=utc(case.window_end))
    alert_at = utc(case.alert_time) if case.alert_time else None
    yield Captured(CaptureToolset(directory, _environment(name)), window, alert_at, name)


@dataclass(frozen=True, slots=True)
class GatedCapture:
    """A source that gives all of a capture at once (`agents.investigate.Columnar`), read through the gate."""

    app: App
    toolset: CaptureToolset

    async def bundle(self, _window: Window | None, _baseline: Window | None) -> Bundle:
        """Everything in columns; a capture is one window as it was recorded."""
        call = Call(
            operation=READ.name,
            environment=self.app.world.environment,
            principal=self.app.user,
            route="cli",
            run_id=new_run_id("why"),
            step_id=StepId("capture"),
        )
        await self.app.gate.call(call)
        if self.toolset.read is None:
            raise UnavailableError("the capture was not read")
        return self.toolset.read

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal out of what was read; raises UnavailableError before `bundle` was asked for."""
        if self.toolset.read is None:
            raise UnavailableError(f"a capture is asked for as a whole before it is asked for {signal!r}")
        return series_of(self.toolset.read, signal, selector, window)

    async def logs(self, _selector: Selector, _window: Window, *, limit: int = 1_000) -> LogPage:
        """Not here: a capture is asked for as a whole."""
        raise UnavailableError(f"a capture is asked for as a whole, not for {limit} lines")

    async def spans(self, _selector: Selector, _window: Window, *, limit: int = 1_000) -> SpanPage:
        """Not here: a capture is asked for as a whole."""
        raise UnavailableError(f"a capture is asked for as a whole, not for {limit} spans")

    async def changes(self, _window: Window) -> tuple[Change, ...]:
        """Not here: a capture is asked for as a whole."""
        raise UnavailableError("a capture is asked for as a whole")


def _environment(name: str) -> Environment:
    return Environment(kind="capture", name=name, uid=digest(name), url="", tier="lab")
