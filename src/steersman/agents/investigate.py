"""Fetches telemetry from a source, all at once, and hands it to the diagnosis. No model; reads only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar, runtime_checkable

from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.gathering import Gathered, bundle_of
from steersman.diagnosis.investigation import investigate as diagnose
from steersman.diagnosis.period import LEAD_S
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.finding import Breach, Cost, Investigation
from steersman.domain.ids import IncidentId
from steersman.domain.ports import Source
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window

SIGNALS: tuple[SignalName, ...] = (
    "error_rate",
    "latency_p95",
    "cpu",
    "memory",
    "disk_latency",
    "queue_depth",
    "pool_usage",
    "restarts",
    "up",
)
"""What is asked of every service."""
POLL_S = 1.0
"""Pause between two looks at whether telemetry has arrived; the lab's processes send theirs this often."""
SAME_S = 5.0
"""Two notes of one kind of change to one service that lie so close are of one change."""

Answer = TypeVar("Answer")


@runtime_checkable
class Columnar(Protocol):
    """A source that can give all it has in columns at once: quicker than fact by fact."""

    async def bundle(self, window: Window | None, baseline: Window | None) -> Bundle:
        """Everything in the two windows; None: as it was recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Scope:
    """How far an investigation looks."""

    baseline: Window | None = None
    """Healthy window to compare with; default: as long as the window in question, right before it."""
    alert_at: datetime | None = None
    """When somebody was paged; None: the fault may have begun at any time in the window."""
    onset_at: datetime | None = None
    """When it began, where that is known: then nothing is guessed from the page."""
    breaches: tuple[Breach, ...] = ()
    """Conditions that were judged breached: facts that need no source."""
    changes: tuple[Change, ...] = ()
    """What is known to have been changed, besides what sources tell."""
    service: str = ""
    """The service that was asked about."""
    services: tuple[str, ...] = ()
    """Services whose signals are asked for, besides those that spans and logs show."""
    timeout_s: float = 10.0
    """After that, what a source has not answered is a hole."""
    rows: int = 200_000
    """Spans, and log lines, that are fetched for one window at most."""
    parallel: int = 16
    """Queries for signals that are under way at once."""


async def investigate(
    question: str,
    window: Window,
    source: Source,
    *,
    scope: Scope | None = None,
    incident_id: IncidentId | None = None,
) -> Investigation:
    """Ranked causes of what went wrong in a window, with evidence.

    Raises nothing for a source that is down or slow: that is a hole in the answer, which then never says "no fault".
    """
    started = time.monotonic()
    scope = scope or Scope()
    calls = _Calls(scope)
    if isinstance(source, Columnar):
        found = await calls.ask("the capture", source.bundle(window, scope.baseline))
        bundle = found or Bundle(start=window.start.timestamp(), end=window.end.timestamp())
        bundle = bundle.with_holes(calls.told())
    else:
        gathered = await _gather(source, window, calls)
        bundle = bundle_of(gathered, window, alert=_alert(scope), suspect=scope.service)
    result = await asyncio.to_thread(diagnose, bundle, question, incident_id=incident_id)
    cost = Cost(calls=calls.count, seconds=round(time.monotonic() - started, 3))
    return result.model_copy(update={"cost": cost})


async def arrived(source: Source, until: datetime, *, within_s: float) -> bool:
    """Waits until a source tells of something later than an instant, so that what came before has arrived as well.

    False when that takes too long, or the source does not answer: the investigation will find that out by itself.
    """
    later = Window(start=until, end=until + timedelta(hours=1))
    try:
        async with asyncio.timeout(within_s):
            while True:
                spans, logs = await asyncio.gather(
                    source.spans(Selector(), later, limit=1), source.logs(Selector(), later, limit=1)
                )
                if spans.spans or logs.records:
                    await asyncio.sleep(POLL_S)  # exporters of other processes are as far by then
                    return True
                await asyncio.sleep(POLL_S)
    except (TimeoutError, UnavailableError, ToolError):
        return False


def _alert(scope: Scope) -> float | None:
    """When a page would have come, in Unix seconds."""
    if scope.onset_at is not None:
        return scope.onset_at.timestamp() + LEAD_S
    return scope.alert_at.timestamp() if scope.alert_at else None


def _merged(known: tuple[Change, ...], told: tuple[Change, ...]) -> tuple[Change, ...]:
    """Changes that are known, and those that sources tell besides."""
    at = {(change.service, change.kind): change.at for change in known}
    more = [
        c for c in told if (c.service, c.kind) not in at or abs((at[c.service, c.kind] - c.at).total_seconds()) > SAME_S
    ]
    return tuple(sorted((*known, *more), key=lambda change: change.at))


async def _gather(source: Source, window: Window, calls: _Calls) -> Gathered:
    """Events first, all four queries at once; then every signal of every service that they show, all at once."""
    scope = calls.scope
    length = window.end - window.start
    baseline = scope.baseline or Window(start=window.start - length, end=window.start, step_s=window.step_s)
    whole = Window(start=baseline.start, end=window.end, step_s=window.step_s)
    everything = Selector()
    early = asyncio.gather(
        *(calls.range(source, signal, service, whole) for service in scope.services for signal in SIGNALS)
    )
    spans, healthy_spans, logs, healthy_logs, changes, named = await asyncio.gather(
        calls.ask("spans", source.spans(everything, window, limit=scope.rows)),
        calls.ask("spans of the baseline", source.spans(everything, baseline, limit=scope.rows)),
        calls.ask("logs", source.logs(everything, window, limit=scope.rows)),
        calls.ask("logs of the baseline", source.logs(everything, baseline, limit=scope.rows)),
        calls.ask("changes", source.changes(whole)),
        early,
    )
    found = _services(spans, healthy_spans, logs) - set(scope.services)
    late = await asyncio.gather(
        *(calls.range(source, signal, service, whole) for service in sorted(found) for signal in SIGNALS)
    )
    return Gathered(
        series=tuple(series for series in (*named, *late) if series is not None),
        healthy_spans=healthy_spans.spans if healthy_spans else (),
        suspect_spans=spans.spans if spans else (),
        healthy_logs=healthy_logs.records if healthy_logs else (),
        suspect_logs=logs.records if logs else (),
        changes=_merged(scope.changes, changes or ()),
        breaches=scope.breaches,
        holes=calls.told(),
    )


def _services(*pages: SpanPage | LogPage | None) -> set[str]:
    names: set[str] = set()
    for page in pages:
        if isinstance(page, SpanPage):
            names.update(span.service for span in page.spans)
        elif page is not None:
            names.update(record.service for record in page.records)
    return names - {""}


class _Calls:
    """Asks with a deadline; what is not answered becomes a hole."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.count = 0
        self._holes: dict[str, int] = {}
        self._room = asyncio.Semaphore(scope.parallel)

    async def ask(self, what: str, answer: Awaitable[Answer]) -> Answer | None:
        """The answer; None when it does not come, which is noted."""
        self.count += 1
        try:
            async with asyncio.timeout(self.scope.timeout_s):
                return await answer
        except TimeoutError:
            self._note(f"{what}: no answer within {self.scope.timeout_s:g} s")
        except (UnavailableError, ToolError) as e:
            self._note(f"{what}: {type(e).__name__}")
        return None

    async def range(self, source: Source, signal: SignalName, service: str, window: Window) -> Series | None:
        """One signal of one service. A signal that went unanswered is not asked for again: one timeout."""
        async with self._room:
            if any(hole.startswith(f"{signal}:") for hole in self._holes):
                return None
            return await self.ask(signal, source.range(signal, Selector(service=service), window))

    def _note(self, hole: str) -> None:
        self._holes[hole] = self._holes.get(hole, 0) + 1

    def told(self) -> tuple[str, ...]:
        """One sentence for each hole, made by code."""
        return tuple(sorted(self._holes))
