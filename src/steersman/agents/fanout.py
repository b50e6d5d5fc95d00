"""Everything that sources know of two windows, asked of all of them at once.

The wall time is that of the slowest source, not the sum; one that is down costs one timeout and leaves a hole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from steersman.agents.scope import SIGNALS, Scope
from steersman.diagnosis.gathering import Gathered
from steersman.domain.errors import NoSourceError, ToolError, UnavailableError
from steersman.domain.ports import Source
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, Span, SpanPage, Window
from steersman.domain.source_operations import CallLister, ChangeTeller, ServiceLister

Part = Literal["metrics", "logs", "spans", "changes"]
EVERYTHING: frozenset[Part] = frozenset({"metrics", "logs", "spans", "changes"})
GIVES: dict[str, frozenset[Part]] = {
    "prometheus": frozenset({"metrics"}),
    "loki": frozenset({"logs"}),
    "tempo": frozenset({"spans"}),
    "jaeger": frozenset({"spans"}),
    "grafana": frozenset({"changes"}),
    "kubernetes": frozenset({"changes"}),
}
"""What known sources tell of; others are asked for everything."""
SAME_S = 5.0
"""Two notes of one kind of change to one service that lie so close are of one change."""
HEALTHY = " of the baseline"
GIVE_UP = 3
"""Signals that go unanswered, after which a source that has answered none is not asked for more."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Member:
    """One of several sources: how it is called in holes, and what it is asked for."""

    name: str
    source: Source
    gives: frozenset[Part] = EVERYTHING

    @classmethod
    def of(cls, name: str, source: Source) -> Member:
        """A source by its well-known name."""
        return cls(name, source, GIVES.get(name, EVERYTHING))

    def called(self, what: str) -> str:
        """What was asked of it, as a hole says it."""
        return f"{self.name}: {what}" if self.name else what


async def gather(members: Sequence[Member], window: Window, calls: Calls) -> Gathered:
    """What all members tell of a window and of its baseline."""
    scope = calls.scope
    found = _Found(calls, window, scope.healthy(window))
    async with asyncio.TaskGroup() as group:
        asked = [member for member in members if "metrics" in member.gives]
        found.begin(group, asked)
        found.hear(scope.services)
        for member in members:
            found.ask(member)
    return found.gathered()


@dataclass(slots=True)
class _Found:
    """Answers as they come. Metrics of a service are asked for as soon as any source has told of it."""

    calls: Calls
    window: Window
    baseline: Window
    series: dict[tuple[str, SignalName, int], Series] = field(default_factory=dict)
    spans: tuple[list[Span], list[Span]] = field(default_factory=lambda: ([], []))
    logs: tuple[list[LogRecord], list[LogRecord]] = field(default_factory=lambda: ([], []))
    changes: tuple[Change, ...] = ()
    edges: set[tuple[str, str]] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    measured: Sequence[Member] = ()
    group: asyncio.TaskGroup | None = None

    def begin(self, group: asyncio.TaskGroup, measured: Sequence[Member]) -> None:
        """Where tasks run, and who has metrics."""
        self.group, self.measured = group, measured

    def ask(self, member: Member) -> None:
        """All but metrics, of one source."""
        for place, (window, when) in enumerate(((self.baseline, HEALTHY), (self.window, ""))):
            if "spans" in member.gives:
                self._start(self._spans(member, window, f"spans{when}", place))
            if "logs" in member.gives:
                self._start(self._logs(member, window, f"logs{when}", place))
        if "changes" in member.gives:
            self._start(self._changes(member))
        if "metrics" in member.gives:
            self._start(self._services(member))
            self._start(self._edges(member))

    def hear(self, services: Iterable[str]) -> None:
        """Asks for the metrics of services that nobody has told of before."""
        for service in sorted(set(services) - self.known - {""}):
            self.known.add(service)
            for place, member in enumerate(self.measured):
                for signal in SIGNALS:
                    self._start(self._range(member, place, signal, service))

    def _start(self, work: Coroutine[object, None, None]) -> None:
        assert self.group is not None
        self.group.create_task(work)

    @property
    def _whole(self) -> Window:
        return Window(start=self.baseline.start, end=self.window.end, step_s=self.window.step_s)

    async def _range(self, member: Member, place: int, signal: SignalName, service: str) -> None:
        series = await self.calls.range(member, signal, service, self._whole)
        if series is not None and series.times:
            self.series[service, signal, place] = series

    async def _spans(self, member: Member, window: Window, what: str, place: int) -> None:
        page = await self.calls.page(
            member.called(what), member.source.spans(Selector(), window, limit=self.calls.scope.rows)
        )
        if page is not None:
            self.spans[place].extend(page.spans)
            self.hear(span.service for span in page.spans)

    async def _logs(self, member: Member, window: Window, what: str, place: int) -> None:
        page = await self.calls.page(
            member.called(what), member.source.logs(Selector(), window, limit=self.calls.scope.rows)
        )
        if page is not None:
            self.logs[place].extend(page.records)
            self.hear(record.service for record in page.records)

    async def _changes(self, member: Member) -> None:
        source, what = member.source, member.called("changes")
        if isinstance(source, ChangeTeller):
            told = await self.calls.ask(what, source.change_list(self._whole))
            found = told.changes if told else ()
            self.calls.note(*(told.holes if told else ()))
        else:
            found = await self.calls.ask(what, source.changes(self._whole)) or ()
        self.changes = merged(self.changes, found)

    async def _services(self, member: Member) -> None:
        """Services that the source can list. That it cannot is no hole."""
        if isinstance(member.source, ServiceLister):
            self.hear(await self.calls.ask(member.called("services"), member.source.services(self._whole)) or ())

    async def _edges(self, member: Member) -> None:
        """Which service calls which, where the source knows without spans. That it does not is no hole."""
        if isinstance(member.source, CallLister):
            self.edges.update(await self.calls.ask(member.called("calls"), member.source.calls(self._whole)) or ())

    def gathered(self) -> Gathered:
        """All of it. Of several sources with one signal, the first that has points counts."""
        first: dict[tuple[str, SignalName], Series] = {}
        for (service, signal, _), series in sorted(self.series.items()):
            first.setdefault((service, signal), series)
        scope = self.calls.scope
        return Gathered(
            series=tuple(first.values()),
            healthy_spans=self.spans[0],
            suspect_spans=self.spans[1],
            healthy_logs=self.logs[0],
            suspect_logs=self.logs[1],
            changes=merged(scope.changes, self.changes),
            breaches=scope.breaches,
            holes=self.calls.told(),
            not_looked_at=self.calls.absent(),
            edges=tuple(sorted(self.edges)),
        )


def merged(known: tuple[Change, ...], told: tuple[Change, ...]) -> tuple[Change, ...]:
    """Changes that are known, and those that are told besides, oldest first."""
    at = {(change.service, change.kind): change.at for change in known}
    more = [
        c for c in told if (c.service, c.kind) not in at or abs((at[c.service, c.kind] - c.at).total_seconds()) > SAME_S
    ]
    return tuple(sorted((*known, *more), key=lambda change: change.at))


class Calls:
    """Asks with a deadline; what is not answered becomes a hole."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.count = 0
        self._holes: set[str] = set()
        self._absent: set[str] = set()
        self._room: dict[str, asyncio.Semaphore] = {}
        self._answered: set[str] = set()
        self._silent: dict[str, set[str]] = {}

    async def ask(self, what: str, answer: Awaitable[Answer]) -> Answer | None:
        """The answer; None when it does not come, which is noted."""
        self.count += 1
        try:
            async with asyncio.timeout(self.scope.timeout_s):
                found = await answer
        except TimeoutError:
            self.note(f"{what}: no answer within {self.scope.timeout_s:g} s")
        except NoSourceError:
            self._absent.add(what.removesuffix(HEALTHY))
        except (UnavailableError, ToolError) as e:
            self.note(f"{what}: {type(e).__name__}")
        else:
            self.scope.tell(f"{what}: {_size(found)}")
            return found
        return None

    def note(self, *holes: str) -> None:
        """Remembers who did not answer."""
        self._holes.update(holes)

    async def page(self, what: str, answer: Awaitable[Page]) -> Page | None:
        """A page of rows; those that it leaves out are a hole as well, unless the rest speaks for them."""
        page = await self.ask(what, answer)
        if page is not None:
            self.note(*page.holes)
            rest = f"{what}: {page.left_out} rows more than"
            if page.left_out and page.sampled:
                self._absent.add(f"{rest} {_size(page)}")
            elif page.left_out:
                self.note(f"{rest} {self.scope.rows}")
        return page

    async def range(self, member: Member, signal: SignalName, service: str, window: Window) -> Series | None:
        """One signal of one service. A signal that went unanswered is not asked for again: one timeout."""
        what = member.called(signal)
        silent = self._silent.setdefault(member.name, set())
        async with self._room.setdefault(member.name, asyncio.Semaphore(self.scope.parallel)):
            if (
                what in self._absent
                or signal in silent
                or (len(silent) >= GIVE_UP and member.name not in self._answered)
            ):
                return None
            found = await self.ask(what, member.source.range(signal, Selector(service=service), window))
            if found is not None:
                self._answered.add(member.name)
            elif what not in self._absent:
                silent.add(signal)
            return found

    def absent(self) -> tuple[str, ...]:
        """What nothing measures or keeps here, and what was left out of what there is."""
        return tuple(sorted(self._absent))

    def told(self) -> tuple[str, ...]:
        """One sentence for each hole, made by code."""
        return tuple(sorted(self._holes))


Page = TypeVar("Page", LogPage, SpanPage)


def _size(found: object) -> str:
    match found:
        case SpanPage():
            return f"{len(found.spans)} spans"
        case LogPage():
            return f"{len(found.records)} lines"
        case Series():
            return f"{len(found.times)} points"
        case tuple():
            return str(len(found))
        case _:
            return "answered"
