"""Spans out of Tempo: traces are searched, then read whole, because only whole traces say who called whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from steersman.domain.errors import NoSourceError, UnavailableError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, Span, SpanPage, Window
from steersman.domain.source_operations import Citation, CiteQuery
from steersman.queries.moments import sliced
from steersman.queries.signals import SelectorField, wanted
from steersman.queries.traceql import Attribute, Comparison, IntrinsicField, SpanSet, TraceQuery
from steersman.remote.together import together
from steersman.toolsets.tempo.client import TempoClient
from steersman.toolsets.tempo.facts import FoundTrace, TagSearch, TraceLookup, TraceSearch, TraceSpan

ATTRIBUTES: Mapping[SelectorField, tuple[str, ...]] = {
    "service": ("service.name",),
    "version": ("service.version",),
    "instance": ("k8s.pod.name", "service.instance.id", "host.name"),
    "namespace": ("k8s.namespace.name", "service.namespace"),
    "pool": ("pool", "deployment.pool"),
}
"""Resource attributes that may carry a field of a selector, the likeliest first. Source: OpenTelemetry."""
MAX_TRACES = 1_000
AT_ONCE = 8
TRACE_SPANS = 10_000
SLICES = 4
BUDGET_S = 6.0
"""Less than investigations wait for, so that a part of the traces is had rather than none."""


class TempoSource:
    """A `Source` of spans; signals, logs and changes are elsewhere, and it says so."""

    def __init__(self, client: TempoClient, *, budget_s: float = BUDGET_S) -> None:
        self._client = client
        self._budget_s = budget_s

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans of what is selected, oldest first, and how many more are known of.

        When a search gave as many traces as may be asked for, or a trace came in part, at least one more is counted as
        left out. Where many are
        wanted, the window is searched in slices, so that all of it is seen. After `budget_s` what came is the answer.
        """
        query = await self.query_of(selector, window)
        if query is None:
            return SpanPage(spans=())
        slices = SLICES if limit > MAX_TRACES else 1
        wants = min(limit, MAX_TRACES) // slices
        asks = [
            TraceSearch(query=query, start=part.start, end=part.end, limit=wants) for part in sliced(window, slices)
        ]
        answers = await together(*(self._client.search(ask) for ask in asks), at_once=SLICES)
        distinct = {trace.trace_id: trace for answer in answers for trace in answer.traces[::-1]}
        reading = _Reading(_turns(list(distinct.values()), slices))
        try:
            async with asyncio.timeout(self._budget_s):
                await self._read(reading, selector, window, limit)
        except TimeoutError:
            if not reading.spans:
                raise UnavailableError(
                    f"{self._client.remote.name} gave no trace within {self._budget_s:g} s; ask for less"
                ) from None
        spans = sorted(reading.spans, key=lambda span: span.start)
        unread = sum(_size(trace, selector) for trace in reading.traces[reading.read :])
        left_out = max(len(spans) - limit, 0) + unread
        complete = all(answer.complete for answer in answers) and not reading.partial
        shown = tuple(_plain(span) for span in spans[:limit])
        return SpanPage(spans=shown, left_out=left_out if complete else max(left_out, 1), sampled=slices > 1)

    async def query_of(self, selector: Selector, window: Window) -> TraceQuery | None:
        """The query that `spans` asks, as evidence cites it; None when no resource has such an attribute."""
        fields = wanted(selector)
        conditions: list[Comparison] = []
        if any(name != "service" for name in fields):
            tags = await self._client.tags(TagSearch(scope="resource", start=window.start, end=window.end))
            present: Sequence[str] = tags.scopes.get("resource", ())
        else:
            present = ATTRIBUTES["service"]
        for name, value in fields.items():
            attribute = next((known for known in ATTRIBUTES[name] if known in present), None)
            if attribute is None:
                return None
            conditions.append(Comparison(field=Attribute(scope="resource", name=attribute), text=value))
        return TraceQuery(spans=SpanSet(all_of=tuple(conditions)))

    async def cite(self, asked: CiteQuery) -> Citation:
        """The TraceQL of the spans that are selected; of those that failed where errors are the point."""
        query = await self.query_of(asked.selector, asked.window) if asked.of == "spans" else None
        if query is None:
            return Citation()
        if asked.signal == "error_rate":
            failed = Comparison(field=IntrinsicField(intrinsic="status"), status="error")
            query = TraceQuery(spans=SpanSet(all_of=(*query.spans.all_of, failed)))
        return Citation(query=str(query), language="traceql")

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises NoSourceError: signals come from metrics."""
        del window
        self._elsewhere(f"{signal!r} of {selector}", "Prometheus")

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Raises NoSourceError: Tempo has no logs."""
        del window, limit
        self._elsewhere(f"logs of {selector}", "Loki")

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Raises NoSourceError: Tempo has no record of changes."""
        self._elsewhere(f"changes since {window.start}", "Grafana (annotations) or Kubernetes (events)")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise NoSourceError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")

    async def _read(self, reading: _Reading, selector: Selector, window: Window, limit: int) -> None:
        """Reads traces, some at a time, until there are enough spans."""
        while reading.read < len(reading.traces) and len(reading.spans) < limit:
            some = reading.traces[reading.read : reading.read + AT_ONCE]
            asks = [TraceLookup(trace_id=trace.trace_id, max_spans=TRACE_SPANS) for trace in some]
            for answer in await together(*(self._client.trace(ask) for ask in asks), at_once=AT_ONCE):
                reading.spans += [
                    s for s in answer.spans if window.start <= s.start < window.end and _is_of(s, selector)
                ]
                reading.partial |= bool(answer.partial) or answer.left_out > 0
            reading.read += len(some)


@dataclass(slots=True)
class _Reading:
    """Traces, and what was read of them so far."""

    traces: Sequence[FoundTrace]
    spans: list[TraceSpan] = field(default_factory=list)
    read: int = 0
    partial: bool = False
    """The server gave less than all of some trace."""


def _turns(traces: list[FoundTrace], slices: int) -> Sequence[FoundTrace]:
    """In turns out of all parts of the window, so that whatever time allows to read is of all of it."""
    if slices == 1:
        return traces
    step = max(len(traces) // (slices * AT_ONCE), 1)
    return [trace for first in range(step) for trace in traces[first::step]]


def _is_of(span: TraceSpan, selector: Selector) -> bool:
    return all(
        any(span.resource.get(attribute) == value for attribute in ATTRIBUTES[name])
        for name, value in wanted(selector).items()
    )


def _size(trace: FoundTrace, selector: Selector) -> int:
    """Spans of a trace that was not read; at least one matched."""
    if selector.service is not None:
        return max(trace.span_counts.get(selector.service, 1), 1)
    return max(sum(trace.span_counts.values()), 1)


def _plain(span: TraceSpan) -> Span:
    return Span.model_validate({name: getattr(span, name) for name in Span.model_fields})
