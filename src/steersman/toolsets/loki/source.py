"""Log lines out of Loki, page by page, with the labels that name a thing found by asking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from steersman.domain.errors import UnavailableError
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, SpanPage, Window
from steersman.queries.logql import CountQuery, LabelFilter, LogQuery, Stage
from steersman.queries.matching import Matcher
from steersman.queries.signals import LABELS, SelectorField, SignalSettings, candidates, wanted
from steersman.toolsets.loki.client import LokiClient
from steersman.toolsets.loki.facts import LabelSearch, Line, MetricInstant, ValueSearch

PAGE = 5_000
"""Lines the server gives at once."""
_TRACE = ("trace_id", "traceid", "traceID", "trace_id_extracted")
_SPAN = ("span_id", "spanid", "spanID", "span_id_extracted")
_LEVEL = ("detected_level", "level", "severity", "severity_text", "lvl")
_TRACE_CHARS, _SPAN_CHARS = 32, 16


@dataclass(slots=True)
class Pages:
    """Lines gathered so far. A page begins at the last instant of the one before, so what came already is dropped."""

    lines: list[Line] = field(default_factory=list)
    lost: bool = False
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

    def __init__(self, client: LokiClient, settings: SignalSettings | None = None, *, page_lines: int = PAGE) -> None:
        """page_lines: at most what the server gives at once (`max_entries_limit_per_query`)."""
        self._client = client
        self._page_lines = page_lines
        self._settings = settings or SignalSettings()

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """The oldest lines of a window, and how many more there were; empty when nothing is of what is selected."""
        query = await self.query_of(selector, window)
        if query is None:
            return LogPage(records=())
        pages = await self._gather(query, window, limit)
        records = tuple(_record(line, selector) for line in pages.lines[:limit])
        if len(pages.lines) <= limit and not pages.lost and len(records) < limit:
            return LogPage(records=records)
        total = await self._total(query, window)
        return LogPage(records=records, left_out=max(total - len(records), int(pages.lost)))

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

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises UnavailableError: signals come from metrics."""
        del window
        self._elsewhere(f"{signal!r} of {selector}", "Prometheus")

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Raises UnavailableError: Loki has no spans."""
        del window, limit
        self._elsewhere(f"spans of {selector}", "Tempo")

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Raises UnavailableError: Loki has no record of changes."""
        self._elsewhere(f"changes since {window.start}", "Grafana (annotations) or Kubernetes (events)")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise UnavailableError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")

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

    async def _gather(self, query: LogQuery, window: Window, limit: int) -> Pages:
        pages = Pages()
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
        return pages

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
