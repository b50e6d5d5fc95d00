"""Spans out of Tempo: traces are searched, then read whole, because only whole traces say who called whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from steersman.domain.errors import UnavailableError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, Span, SpanPage, Window
from steersman.queries.signals import SelectorField, wanted
from steersman.queries.traceql import Attribute, Comparison, SpanSet, TraceQuery
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


class TempoSource:
    """A `Source` of spans; signals, logs and changes are elsewhere, and it says so."""

    def __init__(self, client: TempoClient) -> None:
        self._client = client

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans of what is selected, oldest first, and how many more are known of.

        When the search gave as many traces as may be asked for, at least one more is counted as left out.
        """
        query = await self.query_of(selector, window)
        if query is None:
            return SpanPage(spans=())
        traces_wanted = min(limit, MAX_TRACES)
        ask = TraceSearch(query=query, start=window.start, end=window.end, limit=traces_wanted)
        found = await self._client.search(ask)
        oldest_first = found.traces[::-1]
        spans, read = await self._read(oldest_first, selector, window, limit)
        unread = sum(_size(trace, selector) for trace in oldest_first[read:])
        left_out = max(len(spans) - limit, 0) + unread
        shown = tuple(_plain(span) for span in sorted(spans, key=lambda span: span.start)[:limit])
        return SpanPage(spans=shown, left_out=left_out if found.complete else max(left_out, 1))

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

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises UnavailableError: signals come from metrics."""
        del window
        self._elsewhere(f"{signal!r} of {selector}", "Prometheus")

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Raises UnavailableError: Tempo has no logs."""
        del window, limit
        self._elsewhere(f"logs of {selector}", "Loki")

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Raises UnavailableError: Tempo has no record of changes."""
        self._elsewhere(f"changes since {window.start}", "Grafana (annotations) or Kubernetes (events)")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise UnavailableError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")

    async def _read(
        self, traces: Sequence[FoundTrace], selector: Selector, window: Window, limit: int
    ) -> tuple[list[TraceSpan], int]:
        """Spans of traces, read some at a time until there are enough, and how many traces were read."""
        spans: list[TraceSpan] = []
        read = 0
        while read < len(traces) and len(spans) < limit:
            some = traces[read : read + AT_ONCE]
            asks = [TraceLookup(trace_id=trace.trace_id, max_spans=TRACE_SPANS) for trace in some]
            for answer in await together(*(self._client.trace(ask) for ask in asks), at_once=AT_ONCE):
                spans += [s for s in answer.spans if window.start <= s.start < window.end and _is_of(s, selector)]
            read += len(some)
        return spans, read


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
