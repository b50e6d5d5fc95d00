"""The Loki HTTP API, typed. Its errors are plain text; what it lacks it leaves out instead of saying `[]`."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from steersman.queries.logql import LogQuery
from steersman.queries.moments import Moment, in_nanoseconds, step_duration, step_seconds, step_text, window_s
from steersman.queries.promql import check_points
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import first, items, labels, mapping, reading, texts
from steersman.toolsets.loki import reading as read
from steersman.toolsets.loki.facts import (
    BuildInfo,
    DetectedNames,
    FieldSearch,
    LabelSearch,
    LogAnswer,
    LogSearch,
    MetricAnswer,
    MetricInstant,
    MetricRange,
    Names,
    Nothing,
    Patterns,
    PatternSearch,
    Span,
    Stats,
    Streams,
    StreamSearch,
    ValueSearch,
    VolumeRange,
    Volumes,
)

MAX_LINE_CHARS = 300_000
MAX_RANGE_S = 30 * 86_400
CATEGORIZE = (("X-Loki-Response-Encoding-Flags", "categorize-labels"),)
"""Asks for stream labels, structured metadata and parsed labels apart."""
POST_ABOVE_CHARS = 2_000
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class LokiClient:
    """Every query is made of blocks, and its size is reckoned before it is sent."""

    remote: Remote
    post_above_chars: int = POST_ABOVE_CHARS
    categorize: bool = True

    async def logs(self, ask: LogSearch) -> LogAnswer:
        """Lines, merged by time."""
        pairs = [("query", str(ask.query)), *_span(ask), ("limit", str(ask.limit))]
        if ask.direction is not None:
            pairs.append(("direction", ask.direction))
        answer = await self._answer("/loki/api/v1/query_range", pairs)
        with reading(self.remote.name, "query_range"):
            return read.log_answer(answer, ask)

    async def page(self, query: LogQuery, start_ns: int, end_ns: int, *, limit: int) -> LogAnswer:
        """Whole lines from an instant on, oldest first, exact to the nanosecond."""
        pairs = [("query", str(query)), ("start", str(start_ns)), ("end", str(end_ns)), ("limit", str(limit))]
        answer = await self._answer("/loki/api/v1/query_range", [*pairs, ("direction", "forward")])
        with reading(self.remote.name, "query_range"):
            ask = LogSearch(query=query, limit=limit, direction="forward", max_line_chars=MAX_LINE_CHARS)
            return read.log_answer(answer, ask)

    async def range(self, ask: MetricRange) -> MetricAnswer:
        """A number made of lines, over a window."""
        check_points(window_s(ask.start, ask.end, at_most_s=MAX_RANGE_S), step_seconds(ask.step))
        pairs = [("query", str(ask.query)), *_bounds(ask.start, ask.end), ("step", step_text(ask.step))]
        answer = await self._answer("/loki/api/v1/query_range", pairs)
        with reading(self.remote.name, "query_range"):
            return read.metric_answer(answer, ask.max_series)

    async def query(self, ask: MetricInstant) -> MetricAnswer:
        """A number made of lines, at one instant."""
        pairs = [("query", str(ask.query))]
        if ask.time is not None:
            pairs.append(("time", in_nanoseconds(ask.time)))
        answer = await self._answer("/loki/api/v1/query", pairs)
        with reading(self.remote.name, "query"):
            return read.metric_answer(answer, ask.max_series)

    async def labels(self, ask: LabelSearch) -> Names:
        """Labels of streams."""
        return await self._names("/loki/api/v1/labels", _span(ask), ask.limit)

    async def label_values(self, ask: ValueSearch) -> Names:
        """Values of a label."""
        pairs = _span(ask)
        if ask.query is not None:
            pairs.append(("query", str(ask.query)))
        return await self._names(f"/loki/api/v1/label/{ask.label}/values", pairs, ask.limit)

    async def series(self, ask: StreamSearch) -> Streams:
        """Streams that match."""
        data = await self._data("/loki/api/v1/series", [("match[]", str(ask.query)), *_span(ask)])
        with reading(self.remote.name, "series"):
            shown, left_out = first(items(data), ask.limit)
            return Streams(streams=tuple(map(labels, shown)), left_out=left_out)

    async def stats(self, ask: StreamSearch) -> Stats:
        """Size of what a query would read."""
        document = await self._get("/loki/api/v1/index/stats", [("query", str(ask.query)), *_span(ask)])
        with reading(self.remote.name, "index/stats"):
            return read.stats(document)

    async def volume(self, ask: Volumes) -> MetricAnswer:
        """Bytes by stream."""
        pairs = [("query", str(ask.query)), *_span(ask), ("limit", str(ask.limit))]
        answer = await self._answer("/loki/api/v1/index/volume", pairs)
        with reading(self.remote.name, "index/volume"):
            return read.metric_answer(answer, ask.limit)

    async def volume_range(self, ask: VolumeRange) -> MetricAnswer:
        """Bytes over time."""
        check_points(window_s(ask.start, ask.end, at_most_s=MAX_RANGE_S), step_seconds(ask.step))
        pairs = [("query", str(ask.query)), *_bounds(ask.start, ask.end), ("step", step_text(ask.step))]
        if ask.by:
            pairs.append(("targetLabels", ",".join(ask.by)))
        answer = await self._answer("/loki/api/v1/index/volume_range", pairs)
        with reading(self.remote.name, "index/volume_range"):
            return read.metric_answer(answer, read.MAX_SERIES)

    async def patterns(self, ask: PatternSearch) -> Patterns:
        """Shapes of lines."""
        pairs = [("query", str(ask.query)), *_span(ask)]
        if ask.step is not None:
            pairs.append(("step", step_duration(ask.step)))
        data = await self._data("/loki/api/v1/patterns", pairs)
        with reading(self.remote.name, "patterns"):
            return read.patterns(data, ask.limit)

    async def detected_fields(self, ask: FieldSearch) -> DetectedNames:
        """Fields that parsers find in lines."""
        pairs = [("query", str(ask.query)), *_span(ask), ("line_limit", str(ask.line_limit))]
        document = await self._get("/loki/api/v1/detected_fields", pairs)
        with reading(self.remote.name, "detected_fields"):
            return read.detected(document, "fields", ask.limit)

    async def detected_labels(self, ask: StreamSearch) -> DetectedNames:
        """Labels of streams with how many values they have."""
        pairs = [("query", str(ask.query)), *_span(ask)]
        document = await self._get("/loki/api/v1/detected_labels", pairs)
        with reading(self.remote.name, "detected_labels"):
            return read.detected(document, "detectedLabels", ask.limit)

    async def buildinfo(self, _: Nothing) -> BuildInfo:
        """Which server answers."""
        document = await self._get("/loki/api/v1/status/buildinfo", [])
        with reading(self.remote.name, "buildinfo"):
            found = mapping(document)
            return BuildInfo(version=str(found["version"]), revision=str(found.get("revision", "")))

    async def _names(self, path: str, pairs: Pairs, limit: int) -> Names:
        data = await self._data(path, pairs)
        with reading(self.remote.name, path):
            shown, left_out = first(texts(data), limit)
        return Names(names=shown, left_out=left_out)

    async def _answer(self, path: str, pairs: Pairs) -> dict[str, JsonValue]:
        document = await self._get(path, pairs)
        with reading(self.remote.name, path):
            answer = mapping(document)
            if answer["status"] != "success":
                raise ValueError(f"status {answer['status']!r}")
            return answer

    async def _data(self, path: str, pairs: Pairs) -> JsonValue:
        return (await self._answer(path, pairs)).get("data")

    async def _get(self, path: str, pairs: Pairs) -> JsonValue:
        headers = CATEGORIZE if self.categorize else ()
        if sum(len(value) for _, value in pairs) > self.post_above_chars:
            return await self.remote.json(Request("POST", path, form=pairs, headers=headers))
        return await self.remote.json(Request("GET", path, query=pairs, headers=headers))


def _span(ask: Span) -> Pairs:
    if ask.start is not None and ask.end is not None:
        return _bounds(ask.start, ask.end)
    return [
        (name, in_nanoseconds(moment))
        for name, moment in (("start", ask.start), ("end", ask.end))
        if moment is not None
    ]


def _bounds(start: Moment, end: Moment) -> Pairs:
    window_s(start, end, at_most_s=MAX_RANGE_S)
    return [("start", in_nanoseconds(start)), ("end", in_nanoseconds(end))]
