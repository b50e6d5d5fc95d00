"""A small shop whose faults are known: front calls catalog and checkout, checkout calls payments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.gathering import Gathered, bundle_of
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, Span, SpanPage, Window

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LENGTH_S = 120.0
SERVICES = ("front", "catalog", "checkout", "payments")


@dataclass
class Faults:
    """What is wrong in the incident. Delays in seconds."""

    own: dict[str, float] = field(default_factory=dict)
    gap: dict[str, float] = field(default_factory=dict)
    """Callee: the network in front of it is slow."""
    fails: dict[str, float] = field(default_factory=dict)
    """Share of requests in which the service raises before it calls anybody."""
    stops_after: dict[str, str] = field(default_factory=dict)
    """Caller: the callee after whose (wrong) answer it does nothing more."""
    repeats: dict[str, int] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    """Service: a line that it writes for each request, at level ERROR."""
    version: dict[str, str] = field(default_factory=dict)
    share: float = 1.0
    """Share of requests that meet the new version, and so the fault."""
    series: dict[tuple[str, SignalName], float] = field(default_factory=dict)
    """Factor on a signal of a service."""
    everybody_own: float = 0.0
    changes: tuple[Change, ...] = ()


CALLS: dict[str, tuple[str, ...]] = {"front": ("catalog", "checkout"), "checkout": ("payments",)}
LEVEL: dict[SignalName, float] = {"cpu": 0.3, "memory": 2e8, "pool_usage": 0.1, "queue_depth": 2.0}


class Shop:
    """Draws the telemetry of the shop."""

    def __init__(self, faults: Faults | None = None, *, seed: int = 1, requests: int = 60) -> None:
        self.faults = faults or Faults()
        self.random = np.random.default_rng(seed)
        self.requests = requests
        self.spans: list[Span] = []
        self.lines: list[LogRecord] = []

    def gathered(self) -> Gathered:
        """A healthy window and the one in question."""
        healthy = self._window(Faults(), START - timedelta(seconds=LENGTH_S), "h")
        suspect = self._window(self.faults, START, "s")
        return Gathered(
            series=self._series(),
            healthy_spans=healthy[0],
            healthy_logs=healthy[1],
            suspect_spans=suspect[0],
            suspect_logs=suspect[1],
            changes=self.faults.changes,
        )

    def bundle(self, change: Callable[[Gathered], Gathered] = lambda g: g) -> Bundle:
        """The same in columns."""
        return bundle_of(change(self.gathered()), window())

    def _window(self, faults: Faults, begin: datetime, mark: str) -> tuple[list[Span], list[LogRecord]]:
        self.spans, self.lines = [], []
        for i in range(self.requests):
            at = begin + timedelta(seconds=LENGTH_S * i / self.requests)
            ill = faults if self.random.uniform() < faults.share else Faults(everybody_own=faults.everybody_own)
            self._serve(ill, f"{mark}{i}", "front", "", at)
        return self.spans, self.lines

    def _serve(self, faults: Faults, trace: str, service: str, parent: str, at: datetime) -> tuple[float, bool]:
        """Seconds that the service took, and whether it failed."""
        span_id = f"{trace}-{len(self.spans)}"
        place = len(self.spans)
        self.spans.append(None)  # type: ignore[arg-type]
        took = float(self.random.lognormal(np.log(0.005), 0.2)) + faults.own.get(service, 0.0) + faults.everybody_own
        failed = self.random.uniform() < faults.fails.get(service, 0.0)
        self._say(service, trace, span_id, at, "INFO", f"GET /{service} for user {self.random.integers(10**6)}")
        if service in faults.lines:
            self._say(service, trace, span_id, at, "ERROR", faults.lines[service])
        for callee in () if failed else CALLS.get(service, ()):
            for _ in range(faults.repeats.get(service, 1)):
                waited, bad = self._call(faults, trace, service, span_id, callee, at + timedelta(seconds=took))
                took += waited
                failed = failed or bad
            if failed or faults.stops_after.get(service) == callee:
                break
        self.spans[place] = Span(
            trace_id=trace,
            span_id=span_id,
            parent_id=parent,
            service=service,
            instance=f"{service}-0",
            version=faults.version.get(service, "v1"),
            operation=f"GET /{service}",
            start=at,
            duration_s=took,
            error=bool(failed),
        )
        return took, bool(failed)

    def _call(
        self, faults: Faults, trace: str, caller: str, parent: str, callee: str, at: datetime
    ) -> tuple[float, bool]:
        client = f"{trace}-{len(self.spans)}"
        place = len(self.spans)
        self.spans.append(None)  # type: ignore[arg-type]
        wire = 0.001 + faults.gap.get(callee, 0.0)
        took, failed = self._serve(faults, trace, callee, client, at + timedelta(seconds=wire / 2))
        self.spans[place] = Span(
            trace_id=trace,
            span_id=client,
            parent_id=parent,
            service=caller,
            instance=f"{caller}-0",
            version=faults.version.get(caller, "v1"),
            operation=f"call {callee}",
            start=at,
            duration_s=took + wire,
            error=failed,
        )
        return took + wire, failed

    def _say(self, service: str, trace: str, span_id: str, at: datetime, level: str, message: str) -> None:
        self.lines.append(
            LogRecord(at=at, service=service, level=level, message=message, trace_id=trace, span_id=span_id)
        )

    def _series(self) -> tuple[Series, ...]:
        times = np.arange(START.timestamp() - LENGTH_S, START.timestamp() + LENGTH_S, 5.0)
        late = times >= START.timestamp()
        found = []
        for service in SERVICES:
            for signal, level in LEVEL.items():
                values = level * (1 + 0.02 * self.random.standard_normal(len(times)))
                values[late] *= self.faults.series.get((service, signal), 1.0)
                found.append(
                    Series(
                        signal=signal,
                        selector=Selector(service=service),
                        times=tuple(times.tolist()),
                        values=tuple(values.tolist()),
                    )
                )
        return tuple(found)


def window() -> Window:
    """The window in question."""
    return Window(start=START, end=START + timedelta(seconds=LENGTH_S), step_s=5.0)


def renamed(gathered: Gathered, names: dict[str, str]) -> Gathered:
    """The same telemetry under other names of services."""

    def of(name: str) -> str:
        return names.get(name, name)

    return replace(
        gathered,
        series=tuple(
            s.model_copy(update={"selector": Selector(service=of(s.selector.service or ""))}) for s in gathered.series
        ),
        healthy_spans=[s.model_copy(update={"service": of(s.service)}) for s in gathered.healthy_spans],
        suspect_spans=[s.model_copy(update={"service": of(s.service)}) for s in gathered.suspect_spans],
        healthy_logs=[s.model_copy(update={"service": of(s.service)}) for s in gathered.healthy_logs],
        suspect_logs=[s.model_copy(update={"service": of(s.service)}) for s in gathered.suspect_logs],
    )


@dataclass
class Recorded:
    """A `Source` over what was gathered. Whatever is asked for is answered as a whole."""

    gathered: Gathered

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:  # noqa: ARG002
        """One signal of one service; empty when there is none."""
        for one in self.gathered.series:
            if (one.signal, one.selector) == (signal, selector):
                return one
        return Series(signal=signal, selector=selector, times=(), values=())

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:  # noqa: ARG002
        """All lines of the window, or of its baseline."""
        healthy = window.end <= START
        return LogPage(records=tuple(self.gathered.healthy_logs if healthy else self.gathered.suspect_logs))

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:  # noqa: ARG002
        """All spans of the window, or of its baseline."""
        healthy = window.end <= START
        return SpanPage(spans=tuple(self.gathered.healthy_spans if healthy else self.gathered.suspect_spans))

    async def changes(self, window: Window) -> tuple[Change, ...]:  # noqa: ARG002
        """All changes."""
        return self.gathered.changes
