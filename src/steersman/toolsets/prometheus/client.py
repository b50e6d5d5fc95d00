"""The Prometheus HTTP API, typed: also what VictoriaMetrics, Mimir and Thanos answer behind a path prefix."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.errors import InputError, ToolError
from steersman.queries.moments import in_seconds, step_seconds, step_text, window_s
from steersman.queries.promql import check_points, checked
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import mapping, reading, texts
from steersman.remote.text import one_line
from steersman.toolsets.prometheus import reading as read
from steersman.toolsets.prometheus.facts import (
    Alerts,
    BuildInfo,
    ExemplarQuery,
    Exemplars,
    InstantQuery,
    LabelSets,
    Metadata,
    MetadataQuery,
    Names,
    Nothing,
    QueryAnswer,
    RangeQuery,
    RuleQuery,
    Rules,
    Search,
    SeriesSearch,
    TargetQuery,
    Targets,
    ValueSearch,
)

POST_ABOVE_CHARS = 2_000
"""Longer queries go in the body: proxies refuse long URLs."""
MAX_ALERTS = 1_000
MAX_RANGE_S = 400 * 86_400
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PrometheusClient:
    """Every query is parsed and its size reckoned before it is sent."""

    remote: Remote
    post_above_chars: int = POST_ABOVE_CHARS

    async def query(self, ask: InstantQuery) -> QueryAnswer:
        """The value of a query at one instant. No data is an empty answer, not zero."""
        pairs = [("query", checked(ask.query).text)]
        if ask.time is not None:
            pairs.append(("time", in_seconds(ask.time)))
        data, warnings = await self._data("/api/v1/query", pairs)
        with reading(self.remote.name, "query"):
            return read.query_answer(data, max_series=ask.max_series, warnings=warnings)

    async def range(self, ask: RangeQuery) -> QueryAnswer:
        """The values of a query over a window."""
        query = checked(ask.query)
        if query.is_range_vector:
            raise InputError(f"{ask.query!r} is a range vector; wrap it, for example in rate(...), or ask `query`")
        check_points(window_s(ask.start, ask.end, at_most_s=MAX_RANGE_S), step_seconds(ask.step))
        pairs = [("query", query.text), ("start", in_seconds(ask.start)), ("end", in_seconds(ask.end))]
        pairs.append(("step", step_text(ask.step)))
        data, warnings = await self._data("/api/v1/query_range", pairs)
        with reading(self.remote.name, "query_range"):
            return read.query_answer(data, max_series=ask.max_series, warnings=warnings)

    async def series(self, ask: SeriesSearch) -> LabelSets:
        """Which series match."""
        data, warnings = await self._data("/api/v1/series", _search(ask))
        with reading(self.remote.name, "series"):
            found, left_out = read.label_sets(data, ask.limit)
        return LabelSets(series=found, left_out=left_out, warnings=warnings)

    async def labels(self, ask: Search) -> Names:
        """Which labels the matching series have."""
        return await self._names("/api/v1/labels", ask)

    async def label_values(self, ask: ValueSearch) -> Names:
        """Which values a label has."""
        return await self._names(f"/api/v1/label/{ask.label}/values", ask)

    async def metadata(self, ask: MetadataQuery) -> Metadata:
        """What exporters say of their metrics."""
        pairs = [("metric", ask.metric)] if ask.metric else [("limit", str(ask.limit))]
        data, _ = await self._data("/api/v1/metadata", pairs)
        with reading(self.remote.name, "metadata"):
            return read.metadata(data, ask.limit)

    async def targets(self, ask: TargetQuery) -> Targets:
        """What is scraped, and why it fails."""
        data, _ = await self._data("/api/v1/targets", [("state", ask.state)])
        with reading(self.remote.name, "targets"):
            return read.targets(data, ask.limit)

    async def rules(self, ask: RuleQuery) -> Rules:
        """Rules with their state and last error."""
        data, _ = await self._data("/api/v1/rules", [("type", ask.type)] if ask.type else [])
        with reading(self.remote.name, "rules"):
            return read.rules(data, ask.limit)

    async def alerts(self, _: Nothing) -> Alerts:
        """Alerts that are pending or firing."""
        data, _warnings = await self._data("/api/v1/alerts", [])
        with reading(self.remote.name, "alerts"):
            return read.alerts(data, MAX_ALERTS)

    async def exemplars(self, ask: ExemplarQuery) -> Exemplars:
        """Single requests behind a metric, with the ids of their traces."""
        window_s(ask.start, ask.end, at_most_s=MAX_RANGE_S)
        pairs = [("query", checked(ask.query).text), ("start", in_seconds(ask.start)), ("end", in_seconds(ask.end))]
        data, _ = await self._data("/api/v1/query_exemplars", pairs)
        with reading(self.remote.name, "query_exemplars"):
            return read.exemplars(data, ask.limit)

    async def buildinfo(self, _: Nothing) -> BuildInfo:
        """Which server answers."""
        data, _warnings = await self._data("/api/v1/status/buildinfo", [])
        with reading(self.remote.name, "buildinfo"):
            found = {name: str(text) for name, text in mapping(data).items()}
            return BuildInfo(
                version=found["version"], revision=found.get("revision", ""), go_version=found.get("goVersion", "")
            )

    async def _names(self, path: str, ask: Search) -> Names:
        data, warnings = await self._data(path, _search(ask))
        with reading(self.remote.name, path):
            found, left_out = read.names(data, ask.limit)
        return Names(names=found, left_out=left_out, warnings=warnings)

    async def _data(self, path: str, pairs: Pairs) -> tuple[JsonValue, tuple[str, ...]]:
        long = sum(len(value) for _, value in pairs) > self.post_above_chars
        request = Request("POST", path, form=pairs) if long else Request("GET", path, query=pairs)
        document = await self.remote.json(request)
        with reading(self.remote.name, path):
            envelope = mapping(document)
            warnings = tuple(one_line(w) for w in (*texts(envelope.get("warnings")), *texts(envelope.get("infos"))))
            status = envelope["status"]
        if status != "success":
            raise ToolError(f"{self.remote.name}: {one_line(str(envelope.get('error', 'no reason given')))}")
        return envelope.get("data"), warnings


def _search(ask: Search) -> Pairs:
    pairs: Pairs = [("match[]", checked(text).text) for text in ask.match]
    if ask.start is not None and ask.end is not None:
        window_s(ask.start, ask.end, at_most_s=MAX_RANGE_S)
    pairs += [
        (name, in_seconds(moment)) for name, moment in (("start", ask.start), ("end", ask.end)) if moment is not None
    ]
    return pairs
