"""The collector's process."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from pydantic import ValidationError

from steersman.domain.fact import Fact
from steersman.domain.signal import Selector, SignalName, Window
from steersman.lab.collector import otlp
from steersman.lab.collector.exposition import CONTENT_TYPE, text
from steersman.lab.collector.query import bounds, conditions, range_of
from steersman.lab.collector.store import Row, Store
from steersman.lab.wire.message import Request, Response, answer
from steersman.lab.wire.server import Server

FORGET_EVERY_S = 30.0
PROTOBUF = "application/x-protobuf"
STALE_S = 10.0


class CollectorSpec(Fact):
    """What the collector is started with."""

    file: str
    token: str


class Question(Fact):
    """What may be asked: of one signal, of logs, of spans, or of changes."""

    window: Window
    selector: Selector = Selector()
    signal: SignalName | None = None
    limit: int = 1_000


class Observed(Fact):
    """What the controller saw of processes and knows of changes: tables without protobuf."""

    points: tuple[tuple[int, str, str, str, str, str, float], ...] = ()
    changes: tuple[tuple[int, str, str, str], ...] = ()


@dataclass(slots=True)
class Collector:
    """Takes and answers."""

    store: Store
    token: str
    latest: dict[tuple[Any, ...], otlp.Point] = field(default_factory=dict)
    called: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def handle(self, request: Request) -> Response:
        """Any request. All but what Prometheus asks for need the token."""
        if request.path == "/metrics":
            return self._metrics()
        if request.path == "/targets":
            return _targets(request)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return answer({"error": "wrong token"}, HTTPStatus.UNAUTHORIZED)
        verb = self._verbs().get(request.path)
        if verb is None or request.method != "POST":
            return answer({"error": f"nothing at {request.method} {request.path}"}, HTTPStatus.NOT_FOUND)
        try:
            return verb(request.body)
        except (DecodeError, ValidationError) as e:
            return answer({"error": str(e)}, HTTPStatus.BAD_REQUEST)

    def _verbs(self) -> dict[str, Callable[[bytes], Response]]:
        return {
            "/v1/traces": self._take_spans,
            "/v1/logs": self._take_logs,
            "/v1/metrics": self._take_metrics,
            "/observed": self._take_observed,
            "/range": self._range,
            "/logs": self._logs,
            "/spans": self._spans,
            "/changes": self._changes,
        }

    def _take_spans(self, body: bytes) -> Response:
        self.store.add("spans", otlp.spans(body, self.called))
        return Response(content_type=PROTOBUF)

    def _take_logs(self, body: bytes) -> Response:
        self.store.add("logs", otlp.logs(body))
        return Response(content_type=PROTOBUF)

    def _take_metrics(self, body: bytes) -> Response:
        points = list(otlp.points(body))
        for point in points:
            labels = tuple(sorted(point.labels.items()))
            self.latest[point.name, point.source, labels] = point
        gauges = [point for point in points if point.kind == "gauge"]
        self.store.add("points", [_row(point) for point in gauges])
        return Response(content_type=PROTOBUF)

    def _take_observed(self, body: bytes) -> Response:
        seen = Observed.model_validate_json(body)
        self.store.add("points", seen.points)
        for at_ns, name, service, instance, version, pool, value in seen.points:
            source = otlp.Source(service, instance, version, pool)
            self.latest[name, source, ()] = otlp.Point(at_ns, name, "gauge", "", "", source, {}, value)
        self.store.add("changes", seen.changes)
        return answer({})

    def _range(self, body: bytes) -> Response:
        asked = Question.model_validate_json(body)
        if asked.signal is None:
            return answer({"error": "`signal` is missing"}, HTTPStatus.BAD_REQUEST)
        found = range_of(self.store, asked.signal, asked.selector, asked.window, now_s=time.time())
        return answer({"times": found.times, "values": found.values, "counts": found.counts})

    def _logs(self, body: bytes) -> Response:
        columns = "at_ns, service, instance, version, level, message, hex(trace), hex(span)"
        return self._page("logs", "at_ns", columns, Question.model_validate_json(body), _log)

    def _spans(self, body: bytes) -> Response:
        columns = "start_ns, duration_ns, hex(trace), hex(span), hex(parent), service, instance, version, name, error"
        return self._page("spans", "start_ns", columns, Question.model_validate_json(body), _span)

    def _changes(self, body: bytes) -> Response:
        asked = Question.model_validate_json(body).model_copy(update={"selector": Selector()})
        return self._page("changes", "at_ns", "at_ns, service, kind, what", asked, _change)

    def _page(
        self, table: str, column: str, shown: str, asked: Question, fact: Callable[[Row], dict[str, Any]]
    ) -> Response:
        where, parameters = conditions(asked.selector)
        condition = f"FROM {table} WHERE {column} >= ? AND {column} < ?{where}"
        known = (*bounds(asked.window), *parameters)
        ((total,),) = self.store.ask(f"SELECT count(*) {condition}", known)
        rows = self.store.ask(f"SELECT {shown} {condition} ORDER BY {column} LIMIT ?", (*known, asked.limit))
        return answer({"items": [fact(row) for row in rows], "left_out": total - len(rows)})

    def _metrics(self) -> Response:
        oldest = (time.time() - STALE_S) * 1e9
        fresh = [point for point in self.latest.values() if point.at_ns >= oldest]
        about = ("counter", "", "Calls between services, out of spans", otlp.Source("", "", "", ""))
        graph = [
            otlp.Point(0, "traces_service_graph_request", *about, {"client": a, "server": b}, float(count))
            for (a, b), count in self.called.items()
        ]
        return Response(200, text([*fresh, *graph]).encode(), CONTENT_TYPE)


def _targets(request: Request) -> Response:
    """Where to scrape, as Prometheus' HTTP service discovery takes it: the collector speaks for all processes."""
    group = {"targets": [request.headers.get("host", "")], "labels": {"__metrics_path__": "/metrics"}}
    return answer([group])


def _row(point: otlp.Point) -> Row:
    source = point.source
    return (point.at_ns, point.name, source.service, source.instance, source.version, source.pool, point.value)


def _at(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat()


def _log(row: Row) -> dict[str, Any]:
    names = ("service", "instance", "version", "level", "message", "trace_id", "span_id")
    return {"at": _at(row[0]), **dict(zip(names, (*row[1:6], row[6].lower(), row[7].lower()), strict=True))}


def _span(row: Row) -> dict[str, Any]:
    return {
        "start": _at(row[0]),
        "duration_s": row[1] / 1e9,
        "trace_id": row[2].lower(),
        "span_id": row[3].lower(),
        "parent_id": row[4].lower(),
        "service": row[5],
        "instance": row[6],
        "version": row[7],
        "operation": row[8],
        "error": bool(row[9]),
    }


def _change(row: Row) -> dict[str, Any]:
    return {"at": _at(row[0]), "service": row[1], "kind": row[2], "what": row[3]}


async def serve(spec: CollectorSpec, listening: socket.socket) -> None:
    """Collects until SIGTERM."""
    store = Store(Path(spec.file))
    server = Server(Collector(store, spec.token).handle)
    await server.start(listening)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    logging.getLogger(__name__).info("collector is ready")
    while not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), FORGET_EVERY_S)
        except TimeoutError:
            store.forget(time.time_ns())
    await server.close(drain_s=0.2)
