"""Spans out of Jaeger: it finds traces by service only, so every service is asked for, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from steersman.domain.errors import NoSourceError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, Span, SpanPage, Window
from steersman.domain.source_operations import Citation, CiteQuery
from steersman.queries.links import jaeger_link
from steersman.queries.signals import SelectorField, wanted
from steersman.remote.together import together
from steersman.toolsets.jaeger.client import JaegerClient
from steersman.toolsets.jaeger.facts import Nothing, TraceSearch, TraceSpan

ATTRIBUTES: Mapping[SelectorField, tuple[str, ...]] = {
    "version": ("service.version",),
    "instance": ("k8s.pod.name", "service.instance.id", "host.name", "hostname"),
    "namespace": ("k8s.namespace.name", "service.namespace"),
    "pool": ("pool", "deployment.pool"),
}
"""Tags of a process that may carry a field of a selector. Source: OpenTelemetry."""
MAX_TRACES = 1_500
MOST_AT_ONCE = 200
"""Whole traces come back: more would be a body that is not read to its end."""
MAX_SPANS = 10_000
AT_ONCE = 8


class JaegerSource:
    """A `Source` of spans; signals, logs and changes are elsewhere, and it says so."""

    def __init__(self, client: JaegerClient) -> None:
        self._client = client

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans of what is selected, oldest first.

        How many traces there are Jaeger does not say: when a search gave as many as it may, at least one more is
        counted as left out.
        """
        services = (selector.service,) if selector.service else await self.services(window)
        if not services:
            return SpanPage(spans=())
        each = min(max(min(limit, MAX_TRACES) // len(services), 1), MOST_AT_ONCE)
        asks = [
            TraceSearch(service=name, start=window.start, end=window.end, limit=each, max_spans=MAX_SPANS)
            for name in services
        ]
        answers = await together(*(self._client.search(ask) for ask in asks), at_once=AT_ONCE)
        distinct = {(span.trace_id, span.span_id): span for answer in answers for span in answer.spans}
        fitting = [s for s in distinct.values() if window.start <= s.start < window.end and _is_of(s, selector)]
        spans = sorted(fitting, key=lambda span: span.start)
        left_out = max(len(spans) - limit, 0) + sum(answer.left_out for answer in answers)
        complete = all(answer.complete for answer in answers)
        shown = tuple(
            Span.model_validate({name: getattr(s, name) for name in Span.model_fields}) for s in spans[:limit]
        )
        return SpanPage(spans=shown, left_out=left_out if complete else max(left_out, 1), sampled=limit > MAX_TRACES)

    async def services(self, window: Window) -> tuple[str, ...]:
        """Services that traces are of, whenever."""
        del window
        return (await self._client.services(Nothing())).names

    async def cite(self, asked: CiteQuery) -> Citation:
        """A search on Jaeger's own page for the service's traces."""
        service = asked.selector.service
        if asked.of != "spans" or not service:
            return Citation()
        link = jaeger_link(str(self._client.remote.client.base_url), service, window=asked.window)
        return Citation(query=f"service={service}", language="jaeger", link=link)

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises NoSourceError: signals come from metrics."""
        del window
        self._elsewhere(f"{signal!r} of {selector}", "Prometheus")

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Raises NoSourceError: Jaeger has no logs."""
        del window, limit
        self._elsewhere(f"logs of {selector}", "Loki")

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Raises NoSourceError: Jaeger has no record of changes."""
        self._elsewhere(f"changes since {window.start}", "Grafana (annotations) or Kubernetes (events)")

    def _elsewhere(self, what: str, who: str) -> NoReturn:
        raise NoSourceError(f"{self._client.remote.name} has no {what}; {who} has them, configure it as a source")


def _is_of(span: TraceSpan, selector: Selector) -> bool:
    return all(
        span.service == value
        if name == "service"
        else any(span.resource.get(attribute) == value for attribute in ATTRIBUTES[name])
        for name, value in wanted(selector).items()
    )
