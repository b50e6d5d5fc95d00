"""Rows out of OTLP messages. Source: opentelemetry-proto 1.x."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from steersman.lab.collector.store import Row

KINDS = {Span.SPAN_KIND_SERVER: "server", Span.SPAN_KIND_CLIENT: "client"}


@dataclass(frozen=True, slots=True)
class Source:
    """The process that telemetry came from."""

    service: str
    instance: str
    version: str
    pool: str


def attributes(pairs: Any) -> dict[str, Any]:
    """Attributes as a plain dict; values of kinds that the lab does not send are left out."""
    found: dict[str, Any] = {}
    for pair in pairs:
        kind = pair.value.WhichOneof("value")
        if kind in ("string_value", "int_value", "double_value", "bool_value"):
            found[pair.key] = getattr(pair.value, kind)
    return found


def spans(body: bytes, called: Counter[tuple[str, str]]) -> Iterator[Row]:
    """Rows of the table of spans. called: counts calls by caller and callee, as trace stores do."""
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        source = _source(group.resource)
        for scope in group.scope_spans:
            for span in scope.spans:
                row, peer = _span(source, span)
                if peer:
                    called[source.service, peer] += 1
                yield row


def logs(body: bytes) -> Iterator[Row]:
    """Rows of the table of logs."""
    request = ExportLogsServiceRequest.FromString(body)
    for group in request.resource_logs:
        source = _source(group.resource)
        for scope in group.scope_logs:
            for line in scope.log_records:
                yield (
                    line.time_unix_nano,
                    source.service,
                    source.instance,
                    source.version,
                    source.pool,
                    line.severity_text,
                    line.body.string_value,
                    line.trace_id,
                    line.span_id,
                )


@dataclass(frozen=True, slots=True)
class Point:
    """The last value of one series of a metric."""

    at_ns: int
    name: str
    kind: str
    """`gauge`, `counter` or `histogram`."""
    unit: str
    help: str
    source: Source
    labels: dict[str, Any]
    value: float
    histogram: HistogramDataPoint | None = None


def points(body: bytes) -> Iterator[Point]:
    """The points of all metrics."""
    request = ExportMetricsServiceRequest.FromString(body)
    for group in request.resource_metrics:
        source = _source(group.resource)
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                yield from _points(source, metric)


def _points(source: Source, metric: Metric) -> Iterator[Point]:
    about = (metric.unit, metric.description, source)
    match metric.WhichOneof("data"):
        case "gauge":
            for number in metric.gauge.data_points:
                yield Point(
                    number.time_unix_nano, metric.name, "gauge", *about, attributes(number.attributes), _value(number)
                )
        case "sum":
            for number in metric.sum.data_points:
                yield Point(
                    number.time_unix_nano, metric.name, "counter", *about, attributes(number.attributes), _value(number)
                )
        case "histogram":
            for bins in metric.histogram.data_points:
                yield Point(
                    bins.time_unix_nano,
                    metric.name,
                    "histogram",
                    *about,
                    attributes(bins.attributes),
                    float(bins.count),
                    bins,
                )
        case _:
            return


def _value(number: Any) -> float:
    return float(number.as_double if number.WhichOneof("value") == "as_double" else number.as_int)


def _source(resource: Any) -> Source:
    found = attributes(resource.attributes)
    return Source(
        str(found.get("service.name", "")),
        str(found.get("service.instance.id", "")),
        str(found.get("service.version", "")),
        str(found.get("deployment.pool", "")),
    )


def _span(source: Source, span: Span) -> tuple[Row, str]:
    """The row of a span, and whom it called, where it did."""
    found = attributes(span.attributes)
    kind = KINDS.get(span.kind, "internal")
    service, instance, version, pool = source.service, source.instance, source.version, source.pool
    if kind == "client" and "db.system.name" in found:
        kind = "db"
    if "peer.pool" in found:  # the proxy speaks for a pool that did not answer
        kind = "unanswered"
        service, pool = str(found["peer.service"]), str(found["peer.pool"])
        instance, version = str(found["peer.instance"]), str(found["peer.version"])
    peer = str(found.get("peer.service", "")) if kind == "client" else ""
    row = (
        span.start_time_unix_nano,
        max(0, span.end_time_unix_nano - span.start_time_unix_nano),
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        service,
        instance,
        version,
        pool,
        _operation(kind, span.name, found),
        kind,
        int(span.status.code == Status.STATUS_CODE_ERROR),
        span.status.message,
    )
    return row, peer


def _operation(kind: str, name: str, found: dict[str, Any]) -> str:
    """Client spans name whom they called: the method alone says nothing."""
    if kind != "client":
        return name
    return f"{name} {found.get('peer.service', '')}{found.get('url.path', '')}"
