"""Log lines out of Loki, page by page, with the labels that name a thing found by asking."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from steersman.domain.errors import NoSourceError, UnavailableError
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, SpanPage, Window
from steersman.domain.source_operations import Citation, CiteQuery
from steersman.queries.logql import CountQuery, LabelFilter, LogQuery, Stage
from steersman.queries.matching import Matcher
from steersman.queries.moments import sliced
from steersman.queries.signals import LABELS, SelectorField, SignalSettings, candidates, wanted
from steersman.remote.together import together
from steersman.toolsets.loki.client import LokiClient
from steersman.toolsets.loki.facts import LabelSearch, Line, MetricInstant, ValueSearch

PAGE = 5_000
"""Lines the server gives at once."""
MANY = 20_000
SLICES = 8
AT_ONCE = 4
BUDGET_S = 6.0
"""Less than investigations wait for, so that a part of the lines is had rather than none."""
_TRACE = ("trace_id", "traceid", "traceID", "trace_id_extracted")
_SPAN = ("span_id", "spanid", "spanID", "span_id_extracted")
_LEVEL = ("detected_level", "level", "severity", "severity_text", "lvl")
_TRACE_CHARS, _SPAN_CHARS = 32, 16


@dataclass(slots=True)
class Pages:
    """Lines gathered so far. A page begins at the last instant of the one before, so what came already is dropped."""

    lines: list[Line] = field(default_factory=list)
    lost: bool = False
    """More were there and cannot be had."""
    cut: bool = False
    """Time was up."""
    _edge: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def overlap(self) -> int:
        """Lines that the next page brings again."""
        return sum(self._edge.values())

    def add(self, page: tuple[Line, ...]) -> int:
        """Takes what is new, and says how much that was."""
        before = self._edge.copy()
        fresh = []
        for line in page:
            key = _key(line)
            if before[key] > 0:
                before[key] -= 1
            else:
                fresh.append(line)
        self.lines += fresh
        last = self.lines[-1].at_ns if self.lines else ""
        self._edge = Counter(_key(line) for line in self.lines[-2 * len(page) :] if line.at_ns == last)
        return len(fresh)


class LokiSource:
    """A `Source` of log lines; signals, spans and changes are elsewhere, and it says so."""

    def __init__(
        self,
        client: LokiClient,
        settings: SignalSettings | None = None,
        *,
        page_lines: int = PAGE,
        budget_s: float = BUDGET_S,
    ) -> None:
        """page_lines: at most what the server gives at once (`max_entries_limit_per_query`)."""
        self._client = client
        self._budget_s = budget_s
        self._page_lines = page_lines
        self._settings = settings or SignalSettings()

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """The oldest lines of a window, and how many more there were; empty when nothing is of what is selected.

        Where many are wanted, the window is read in slices at once, each the same share of the limit: what is left out
        is then left out everywhere alike. After `budget_s` what has come is the answer.
        """
        query = await self.query_of(selector, window)
        if query is None:
            return LogPage(records=())
        slices = SLICES if limit > MANY else 1
        share = -(-limit // slices)
        parts = await together(*(self._read(query, part, share) for part in sliced(window, slices)), at_once=AT_ONCE)
        lines = [line for part in parts for line in part.lines[:share]]
        records = tuple(_record(line, selector) for line in lines)
        lost = any(part.lost for part in parts)
        if not lost and all(len(part.lines) < share for part in parts):
            return LogPage(records=records)
        if not records and any(part.cut for part in parts):
            raise UnavailableError(
                f"{self._client.remote.name} gave no lines within {self._budget_s:g} s; ask for less"
            )
        total = await self._total(query, window)
        return LogPage(records=records, left_out=max(total - len(records), int(lost)), sampled=slices > 1)

    async def query_of(self, selector: Selector, window: Window) -> LogQuery | None:
        """The query that `logs` asks, as evidence cites it; None when nothing is of what is selected."""
        span = {"start": window.start, "end": window.end}
        labels = (await self._client.labels(LabelSearch.model_validate(span))).names
        matchers: tuple[Matcher, ...] = ()
        stages: tuple[Stage, ...] = ()
        for name, value in wanted(selector).items():
            found = await self._matcher(name, value, labels, matchers, window)
            if found is not None:
                matchers = (*matchers, found)
            elif name == "service" or not labels:
                return None
            else:
                stages = (*stages, LabelFilter(label=self._first(name), text=value))
        if not any(matcher.narrows for matcher in matchers):
            if not labels:
                return None
            known = next((label for label in LABELS["service"] if label in labels), labels[0])
            matchers = (*matchers, Matcher(label=known, op="=~", value=".+"))
        return LogQuery(matchers=matchers, stages=stages)

    async def cite(self, asked: CiteQuery) -> Citation:
        """The LogQL of the lines that are selected."""
        query = await self.query_of(asked.selector, asked.window) if asked.of == "logs" else None
        return Citation(query=str(query), language="logql") if query is not None else Citation()

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises NoSourceError: signals come from metrics."""
        del window
        self._elsewhere(f"{signal!r} of {selector}", "Prometheus")

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Raises NoSourceError: Loki has no spans."""
        del window, limit
        self._elsewhere(f"spans of {selector}", "Tempo")

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Raises NoSourceError: Loki has no record of changes."""
        self._elsewhere(f"changes since {window.start}", "Grafana (annotations) or Kubernetes (events)")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise NoSourceError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")

    def _first(self, name: SelectorField) -> str:
        return next(iter((*self._settings.labels.get(name, ()), *LABELS[name])))

    async def _matcher(
        self, name: SelectorField, value: str, labels: tuple[str, ...], so_far: tuple[Matcher, ...], window: Window
    ) -> Matcher | None:
        preferred = self._settings.labels.get(name, ())
        for matcher in candidates(name, value, preferred=preferred, present=labels):
            if not matcher.narrows and not so_far:
                continue
            query = LogQuery(matchers=(*so_far, matcher))
            ask = ValueSearch(label=matcher.label, query=query, start=window.start, end=window.end, limit=1)
            if (await self._client.label_values(ask)).names:
                return matcher
        return None

    async def _read(self, query: LogQuery, window: Window, limit: int) -> Pages:
        pages = Pages()
        try:
            async with asyncio.timeout(self._budget_s):
                await self._fill(pages, query, window, limit)
        except TimeoutError:
            pages.cut = pages.lost = True
        return pages

    async def _fill(self, pages: Pages, query: LogQuery, window: Window, limit: int) -> None:
        start_ns, end_ns = _ns(window.start), _ns(window.end)
        while len(pages.lines) < limit and start_ns < end_ns:
            wants = min(limit - len(pages.lines) + pages.overlap, self._page_lines)
            answer = await self._client.page(query, start_ns, end_ns, limit=wants)
            new = pages.add(answer.lines)
            if answer.complete:
                break
            start_ns = int(answer.lines[-1].at_ns)
            if new == 0:
                # More lines share one instant than the server gives at once: the rest of it cannot be asked for.
                pages.lost = True
                start_ns += 1

    async def _total(self, query: LogQuery, window: Window) -> int:
        length_s = (window.end - window.start).total_seconds()
        counted = CountQuery(of=query, range_s=length_s, aggregation="sum")
        answer = await self._client.query(MetricInstant(query=counted, time=window.end))
        value = answer.series[0].points[0][1] if answer.series else 0
        return int(value) if isinstance(value, float) else 0


def _ns(at: datetime) -> int:
    return round(at.timestamp() * 1e6) * 1_000


def _key(line: Line) -> tuple[str, str, str]:
    return line.at_ns, line.line, repr(sorted({**line.labels, **line.metadata}.items()))


def _record(line: Line, selector: Selector) -> LogRecord:
    known = {**line.labels, **line.metadata}
    return LogRecord(
        at=line.at,
        service=_any(known, LABELS["service"]) or selector.service or "",
        instance=_any(known, LABELS["instance"]),
        version=_any(known, LABELS["version"]),
        level=_any(known, _LEVEL).lower(),
        message=line.line,
        trace_id=_padded(_any(known, _TRACE), _TRACE_CHARS),
        span_id=_padded(_any(known, _SPAN), _SPAN_CHARS),
    )


def _any(known: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((known[name] for name in names if known.get(name)), "")


def _padded(text: str, length: int) -> str:
    return text.lower().rjust(length, "0") if text else ""
