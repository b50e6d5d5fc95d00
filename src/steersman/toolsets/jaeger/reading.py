"""Answers of Jaeger's query API taken apart. Source: jaegertracing.io, "APIs", and jaeger-idl's `model/json`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from steersman.remote.shape import items, mapping, real
from steersman.toolsets.jaeger.facts import TraceSpan

TRACE_DIGITS, SPAN_DIGITS = 32, 16
MAX_EVENTS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANCE = ("k8s.pod.name", "service.instance.id", "host.name", "hostname")


def padded(text: str, digits: int) -> str:
    """A hex id in full length: Jaeger may leave leading zeros out."""
    return text.lower().rjust(digits, "0")


def spans(document: JsonValue) -> list[TraceSpan]:
    """The spans of all traces of an answer, by time."""
    traces = items(mapping(document).get("data"))
    return sorted((span for trace in traces for span in _spans(trace)), key=lambda span: span.start)


def _spans(trace: dict[str, JsonValue]) -> Iterator[TraceSpan]:
    processes = {name: mapping(process) for name, process in mapping(trace.get("processes")).items()}
    for item in items(trace.get("spans")):
        process = processes.get(str(item.get("processID", "")), mapping(item.get("process")))
        yield _span(item, process)


def _span(item: dict[str, JsonValue], process: dict[str, JsonValue]) -> TraceSpan:
    said, resource = _tags(item.get("tags")), _tags(process.get("tags"))
    return TraceSpan(
        trace_id=padded(str(item["traceID"]), TRACE_DIGITS),
        span_id=padded(str(item["spanID"]), SPAN_DIGITS),
        parent_id=_parent(item),
        service=str(process.get("serviceName", "")),
        instance=next((resource[name] for name in _INSTANCE if name in resource), ""),
        version=resource.get("service.version", ""),
        operation=str(item.get("operationName", "")),
        start=_EPOCH + timedelta(microseconds=int(real(item["startTime"]))),
        duration_s=max(real(item.get("duration", 0)), 0) / 1e6,
        error=said.get("error", "").lower() == "true" or said.get("otel.status_code") == "ERROR",
        kind=said.get("span.kind", ""),
        status_message=said.get("otel.status_description", ""),
        attributes=said,
        resource=resource,
        events=tuple(_event(event) for event in items(item.get("logs"))[:MAX_EVENTS]),
    )


def _parent(item: dict[str, JsonValue]) -> str:
    """The caller's span, in the same trace; a link to another trace is no call."""
    references = [ref for ref in items(item.get("references")) if ref.get("traceID") == item["traceID"]]
    ordered = sorted(references, key=lambda ref: ref.get("refType") != "CHILD_OF")
    found = str(ordered[0]["spanID"]) if ordered else str(item.get("parentSpanID") or "")
    return padded(found, SPAN_DIGITS) if found else ""


def _tags(value: JsonValue) -> dict[str, str]:
    return {str(item["key"]): _plain(item.get("value")) for item in items(value)}


def _plain(value: JsonValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _event(item: dict[str, JsonValue]) -> str:
    return " ".join(f"{name}={value}" for name, value in _tags(item.get("fields")).items())
