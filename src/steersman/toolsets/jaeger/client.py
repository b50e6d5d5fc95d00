"""Jaeger's query API, typed: the JSON that its own page uses, version 1."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from steersman.queries.moments import unix, window_s
from steersman.remote.exchange import Remote, Request
from steersman.remote.shape import first, items, mapping, reading, texts
from steersman.toolsets.jaeger import reading as read
from steersman.toolsets.jaeger.facts import Names, Nothing, ServiceName, TraceAnswer, TraceLookup, Traces, TraceSearch

MAX_RANGE_S = 7 * 86_400
MAX_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class JaegerClient:
    """Each question is bounded in time and in traces before it is sent."""

    remote: Remote

    async def services(self, _: Nothing) -> Names:
        """Services that traces are of."""
        return await self._names("/api/services", MAX_NAMES)

    async def operations(self, ask: ServiceName) -> Names:
        """Operations of a service."""
        return await self._names(f"/api/services/{quote(ask.service, safe='')}/operations", ask.limit)

    async def search(self, ask: TraceSearch) -> Traces:
        """Whole traces that a service took part in."""
        window_s(ask.start, ask.end, at_most_s=MAX_RANGE_S)
        pairs = [("service", ask.service), ("start", _micros(unix(ask.start))), ("end", _micros(unix(ask.end)))]
        pairs.append(("limit", str(ask.limit)))
        if ask.operation is not None:
            pairs.append(("operation", ask.operation))
        if ask.tags:
            pairs.append(("tags", json.dumps(ask.tags, sort_keys=True)))
        if ask.min_duration_s is not None:
            pairs.append(("minDuration", f"{round(ask.min_duration_s * 1e6)}us"))
        document = await self.remote.json(Request("GET", "/api/traces", query=pairs))
        with reading(self.remote.name, "traces"):
            count = len(items(mapping(document).get("data")))
            shown, left_out = first(read.spans(document), ask.max_spans)
            return Traces(traces=count, spans=shown, left_out=left_out, complete=count < ask.limit)

    async def trace(self, ask: TraceLookup) -> TraceAnswer:
        """A trace by its id; one that is not there is an answer, not an error."""
        trace_id = read.padded(ask.trace_id, read.TRACE_DIGITS)
        request = Request("GET", f"/api/traces/{trace_id}")
        answer = await self.remote.ask(request, accept=frozenset({httpx.codes.NOT_FOUND}))
        if answer.status == httpx.codes.NOT_FOUND:
            return TraceAnswer(trace_id=trace_id, found=False)
        document: JsonValue = self.remote.decoded(request, answer)
        with reading(self.remote.name, "trace"):
            shown, left_out = first(read.spans(document), ask.max_spans)
        return TraceAnswer(trace_id=trace_id, found=bool(shown), spans=shown, left_out=left_out)

    async def _names(self, path: str, limit: int) -> Names:
        document = await self.remote.json(Request("GET", path))
        with reading(self.remote.name, path):
            shown, left_out = first(sorted(texts(mapping(document)["data"])), limit)
        return Names(names=shown, left_out=left_out)


def _micros(seconds: float) -> str:
    return str(round(seconds * 1e6))
