"""The Tempo HTTP API, typed. Its errors are plain text; a trace that is not there is an answer, not an error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.queries.moments import Moment, step_duration, step_seconds, unix, window_s
from steersman.queries.promql import check_points
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import mapping, reading
from steersman.toolsets.tempo import reading as read
from steersman.toolsets.tempo.facts import (
    BuildInfo,
    MetricAnswer,
    MetricInstant,
    MetricRange,
    Nothing,
    SearchAnswer,
    Tags,
    TagSearch,
    TagValueList,
    TagValues,
    Timed,
    TraceAnswer,
    TraceLookup,
    TraceSearch,
)

MAX_SEARCH_S = 168 * 3_600
MAX_METRICS_S = 24 * 3_600
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class TempoClient:
    """Every query is made of blocks, and its size is reckoned before it is sent."""

    remote: Remote

    async def search(self, ask: TraceSearch) -> SearchAnswer:
        """Traces that match; those of the last 30 s or so are not found yet."""
        pairs = [("q", str(ask.query)), *_span(ask)]
        if ask.limit is not None:
            pairs.append(("limit", str(ask.limit)))
        if ask.spans_per_trace is not None:
            pairs.append(("spss", str(ask.spans_per_trace)))
        document = await self.remote.json(Request("GET", "/api/search", query=pairs))
        with reading(self.remote.name, "search"):
            return read.search_answer(document, ask.limit)

    async def trace(self, ask: TraceLookup) -> TraceAnswer:
        """A trace by its id, also one that no search finds yet."""
        trace_id = read.padded(ask.trace_id, read.TRACE_DIGITS)
        newer = await self._trace(f"/api/v2/traces/{trace_id}", ask, trace_id)
        if newer is not None:
            return newer
        older = await self._trace(f"/api/traces/{trace_id}", ask, trace_id)
        return older or TraceAnswer(trace_id=trace_id, found=False)

    async def tags(self, ask: TagSearch) -> Tags:
        """Names of attributes."""
        pairs = [("scope", ask.scope)] if ask.scope else []
        newer = await self._newer("/api/v2/search/tags", [*pairs, *_span(ask)])
        if newer is None:
            document = await self.remote.json(Request("GET", "/api/search/tags", query=_span(ask)))
            with reading(self.remote.name, "tags"):
                return read.tags_v1(document, ask.limit)
        with reading(self.remote.name, "tags"):
            return read.tags(newer, ask.limit)

    async def tag_values(self, ask: TagValues) -> TagValueList:
        """Values of an attribute with their types."""
        pairs = [("q", str(ask.spans))] if ask.spans is not None else []
        path = f"/api/v2/search/tag/{quote(str(ask.field), safe='')}/values"
        newer = await self._newer(path, [*pairs, *_span(ask)])
        if newer is None and ask.spans is None:
            name = str(ask.field).removeprefix("resource.").removeprefix("span.").lstrip(".")
            older = Request("GET", f"/api/search/tag/{quote(name, safe='')}/values", query=_span(ask))
            document = await self.remote.json(older)
            with reading(self.remote.name, "tag values"):
                return read.tag_values_v1(document, ask.limit)
        if newer is None:
            raise ToolError(f"{self.remote.name} is too old to narrow the values of a tag; leave `spans` out")
        with reading(self.remote.name, "tag values"):
            return read.tag_values(newer, ask.limit)

    async def range(self, ask: MetricRange) -> MetricAnswer:
        """A number made of spans, over a window."""
        check_points(window_s(ask.start, ask.end, at_most_s=MAX_METRICS_S), step_seconds(ask.step))
        pairs = [("q", str(ask.query)), *_bounds(ask.start, ask.end), ("step", step_duration(ask.step))]
        if ask.exemplars is not None:
            pairs.append(("exemplars", str(ask.exemplars)))
        document = await self.remote.json(Request("GET", "/api/metrics/query_range", query=pairs))
        with reading(self.remote.name, "metrics/query_range"):
            return read.metric_answer(document, ask.max_series)

    async def query(self, ask: MetricInstant) -> MetricAnswer:
        """A number made of all spans of a window."""
        window_s(ask.start, ask.end, at_most_s=MAX_METRICS_S)
        pairs = [("q", str(ask.query)), *_bounds(ask.start, ask.end)]
        document = await self.remote.json(Request("GET", "/api/metrics/query", query=pairs))
        with reading(self.remote.name, "metrics/query"):
            return read.metric_answer(document, ask.max_series, at=unix(ask.end))

    async def buildinfo(self, _: Nothing) -> BuildInfo:
        """Which server answers."""
        document = await self.remote.json(Request("GET", "/api/status/buildinfo"))
        with reading(self.remote.name, "buildinfo"):
            found = mapping(document)
            return BuildInfo(version=str(found["version"]), revision=str(found.get("revision", "")))

    async def _newer(self, path: str, pairs: Pairs) -> JsonValue | None:
        """The answer of version 2 of the API, or None from a server that only has version 1."""
        request = Request("GET", path, query=pairs)
        answer = await self.remote.ask(request, accept=frozenset({httpx.codes.NOT_FOUND}))
        return None if answer.status == httpx.codes.NOT_FOUND else self.remote.decoded(request, answer)

    async def _trace(self, path: str, ask: TraceLookup, trace_id: str) -> TraceAnswer | None:
        """The trace, or None when the server does not know that version of the API, or no such trace."""
        answer = await self.remote.ask(Request("GET", path), accept=frozenset({httpx.codes.NOT_FOUND}))
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        document = self.remote.decoded(Request("GET", path), answer)
        with reading(self.remote.name, "trace"):
            return read.trace_answer(document, trace_id, ask.max_spans)


def _span(ask: Timed) -> Pairs:
    if ask.start is not None and ask.end is not None:
        window_s(ask.start, ask.end, at_most_s=MAX_SEARCH_S)
    start = [("start", _whole(ask.start))] if ask.start is not None else []
    return start + ([("end", _whole(ask.end, up=True))] if ask.end is not None else [])


def _bounds(start: Moment, end: Moment) -> Pairs:
    return [("start", _whole(start)), ("end", _whole(end, up=True))]


def _whole(moment: Moment, *, up: bool = False) -> str:
    """Whole seconds, which is all that Tempo takes; the window grows rather than shrinks."""
    return str(math.ceil(unix(moment)) if up else math.floor(unix(moment)))
