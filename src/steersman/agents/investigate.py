"""Fetches telemetry from a source, all at once, and hands it to the diagnosis. No model; reads only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.gathering import Gathered, bundle_of
from steersman.diagnosis.investigation import investigate as diagnose
from steersman.domain.errors import NoSourceError, ToolError, UnavailableError
from steersman.domain.finding import Asked, Cost, Investigation
from steersman.domain.ids import IncidentId
from steersman.domain.ports import Source
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.domain.source_operations import CallLister, ChangeTeller, ServiceLister

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
Answer = TypeVar("Answer")
Tell = Callable[[str], None]
"""Takes a remark on how far the work is; made by code, without anything that telemetry says."""


@runtime_checkable
class Columnar(Protocol):
    """A source that can give all it has in columns at once: quicker than fact by fact."""

    async def bundle(self, window: Window | None, baseline: Window | None) -> Bundle:
        """Everything in the two windows; None: as it was recorded."""
        ...


def _silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How far an investigation looks."""

    baseline: Window | None = None
    """Healthy window to compare with; default: as long as the window in question, right before it."""
    alert_at: datetime | None = None
    """When somebody was paged; None: the fault may have begun at any time in the window."""
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
    tell: Tell = field(default=_silent, compare=False)
    """Is told how far the work is."""

    def healthy(self, window: Window) -> Window:
        """The baseline for a window."""
        length = window.end - window.start
        return self.baseline or Window(start=window.start - length, end=window.start, step_s=window.step_s)


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
    bundle, count = await read(source, window, scope)
    scope.tell("comparing with the baseline")
    result = await asyncio.to_thread(diagnose, bundle, question, incident_id=incident_id)
    cost = Cost(calls=count, seconds=round(time.monotonic() - started, 3))
    asked = Asked(
        baseline=scope.healthy(window), service=scope.service, services=scope.services, alert_at=scope.alert_at
    )
    result = result.model_copy(update={"cost": cost, "asked": asked})
    return result if isinstance(source, Columnar) else _stepped(result, window)


def _stepped(found: Investigation, window: Window) -> Investigation:
    """With the length of a point that was asked for, so that the same can be asked again."""
    evidence = {key: item.model_copy(update={"window": window}) for key, item in found.evidence.items()}
    return found.model_copy(update={"window": window, "evidence": evidence})


async def read(source: Source, window: Window, scope: Scope) -> tuple[Bundle, int]:
    """What a source has of a window and its baseline, as the diagnosis reads it, and how many questions it took.

    Raises nothing for a source that is down or slow: that is a hole.
    """
    if isinstance(source, Columnar):
        calls = _Calls(scope)
        found = await calls.ask("the capture", source.bundle(window, scope.baseline))
        bundle = found or Bundle(start=window.start.timestamp(), end=window.end.timestamp())
        return bundle.with_holes(calls.told()), calls.count
    gathered, count = await fetch(source, window, scope)
    alert = scope.alert_at.timestamp() if scope.alert_at else None
    return bundle_of(gathered, window, alert=alert, suspect=scope.service), count


async def fetch(source: Source, window: Window, scope: Scope) -> tuple[Gathered, int]:
    """Events first, all queries at once; then every signal of every service that they show, all at once.

    Raises nothing for a source that is down or slow: that is a hole. Gives the number of questions as well.
    """
    calls = _Calls(scope)
    baseline, everything = scope.healthy(window), Selector()
    whole = Window(start=baseline.start, end=window.end, step_s=window.step_s)
    spans, healthy_spans, logs, healthy_logs, (changes, listed, edges, named) = await asyncio.gather(
        calls.ask("spans", source.spans(everything, window, limit=scope.rows)),
        calls.ask("spans of the baseline", source.spans(everything, baseline, limit=scope.rows)),
        calls.ask("logs", source.logs(everything, window, limit=scope.rows)),
        calls.ask("logs of the baseline", source.logs(everything, baseline, limit=scope.rows)),
        asyncio.gather(
            calls.changes(source, whole),
            calls.services(source, whole),
            calls.edges(source, whole),
            calls.signals(source, scope.services, whole),
        ),
    )
    for page in (spans, healthy_spans, logs, healthy_logs):
        calls.note(*(page.holes if page else ()))
    found = (_services(spans, healthy_spans, logs) | set(listed)) - set(scope.services)
    late = await calls.signals(source, tuple(sorted(found)), whole)
    gathered = Gathered(
        series=(*named, *late),
        healthy_spans=healthy_spans.spans if healthy_spans else (),
        suspect_spans=spans.spans if spans else (),
        healthy_logs=healthy_logs.records if healthy_logs else (),
        suspect_logs=logs.records if logs else (),
        changes=changes,
        edges=edges,
        holes=calls.told(),
        not_looked_at=calls.absent(),
    )
    return gathered, calls.count


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
        self._absent: set[str] = set()
        self._room = asyncio.Semaphore(scope.parallel)

    async def ask(self, what: str, answer: Awaitable[Answer]) -> Answer | None:
        """The answer; None when it does not come, which is noted."""
        self.count += 1
        try:
            async with asyncio.timeout(self.scope.timeout_s):
                found = await answer
        except TimeoutError:
            self.note(f"{what}: no answer within {self.scope.timeout_s:g} s")
        except NoSourceError:
            self._absent.add(what.removesuffix(" of the baseline"))
        except (UnavailableError, ToolError) as e:
            self.note(f"{what}: {type(e).__name__}")
        else:
            self.scope.tell(f"{what}: {_size(found)}")
            return found
        return None

    async def changes(self, source: Source, window: Window) -> tuple[Change, ...]:
        """What was changed; of several sources, those that answered."""
        if not isinstance(source, ChangeTeller):
            return await self.ask("changes", source.changes(window)) or ()
        found = await self.ask("changes", source.change_list(window))
        self.note(*(found.holes if found else ()))
        return found.changes if found else ()

    async def services(self, source: Source, window: Window) -> tuple[str, ...]:
        """Services that the source can list, where it can."""
        if not isinstance(source, ServiceLister):
            return ()
        return await self.ask("services", source.services(window)) or ()

    async def edges(self, source: Source, window: Window) -> tuple[tuple[str, str], ...]:
        """Which service calls which, where the source knows without spans. That it does not is no hole."""
        if not isinstance(source, CallLister):
            return ()
        return await self.ask("calls", source.calls(window)) or ()

    async def signals(self, source: Source, services: tuple[str, ...], window: Window) -> list[Series]:
        """Every signal of some services."""
        asked = (self._range(source, signal, service, window) for service in services for signal in SIGNALS)
        return [series for series in await asyncio.gather(*asked) if series is not None]

    async def _range(self, source: Source, signal: SignalName, service: str, window: Window) -> Series | None:
        """One signal of one service. A signal that went unanswered is not asked for again: one timeout."""
        async with self._room:
            if signal in self._absent or any(hole.startswith(f"{signal}:") for hole in self._holes):
                return None
            return await self.ask(signal, source.range(signal, Selector(service=service), window))

    def note(self, *holes: str) -> None:
        """Remembers who did not answer."""
        for hole in holes:
            self._holes[hole] = self._holes.get(hole, 0) + 1

    def told(self) -> tuple[str, ...]:
        """One sentence for each hole, made by code."""
        return tuple(sorted(self._holes))

    def absent(self) -> tuple[str, ...]:
        """What nothing measures or keeps here."""
        return tuple(sorted(self._absent))


def _size(found: object) -> str:
    match found:
        case SpanPage():
            return f"{len(found.spans)} spans" + (f", {found.left_out} more" if found.left_out else "")
        case LogPage():
            return f"{len(found.records)} lines" + (f", {found.left_out} more" if found.left_out else "")
        case Series():
            return f"{len(found.times)} points"
        case tuple():
            return str(len(found))
        case _:
            return "answered"
