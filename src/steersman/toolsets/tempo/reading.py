"""Answers of Tempo taken apart. Search writes hex ids without leading zeros, traces by id write base64."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from steersman.remote.shape import first, items, mapping, real, sample, texts
from steersman.remote.text import one_line
from steersman.toolsets.tempo.facts import (
    ExemplarTrace,
    FoundSpan,
    FoundTrace,
    MetricAnswer,
    Row,
    SearchAnswer,
    Tags,
    TagValue,
    TagValueList,
    TraceAnswer,
    TraceSpan,
)

TRACE_DIGITS, SPAN_DIGITS = 32, 16
DEFAULT_LIMIT = 20
MAX_EVENTS = 20
_HEX = re.compile(r"[0-9a-fA-F]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANCE = ("k8s.pod.name", "service.instance.id", "host.name")
_ERROR: tuple[JsonValue, ...] = ("STATUS_CODE_ERROR", 2)
_BESIDE = {"metrics", "status", "message"}
"""What an answer may hold beside its entries."""


def search_answer(document: JsonValue, limit: int | None) -> SearchAnswer:
    """Traces, the newest first; the server's order is no order."""
    found = [_found(item) for item in listed(document, "traces")]
    found.sort(key=lambda trace: trace.start, reverse=True)
    return SearchAnswer(traces=tuple(found), complete=len(found) < (limit or DEFAULT_LIMIT))


def trace_answer(document: JsonValue, trace_id: str, max_spans: int) -> TraceAnswer:
    """The spans of a trace, of version 1 (`batches`) or 2 (`trace.resourceSpans`) of the API."""
    top = mapping(document)
    batches = top["batches"] if "batches" in top else mapping(top["trace"]).get("resourceSpans")
    spans = sorted((span for batch in items(batches) for span in _spans(batch)), key=lambda span: span.start)
    shown, left_out = first(spans, max_spans)
    return TraceAnswer(
        trace_id=padded(trace_id, TRACE_DIGITS),
        found=bool(spans),
        spans=shown,
        left_out=left_out,
        partial=partial(top),
    )


def tags(document: JsonValue, limit: int) -> Tags:
    """Attribute names by scope."""
    scopes: dict[str, tuple[str, ...]] = {}
    left_out = 0
    for item in listed(document, "scopes"):
        scopes[str(item["name"])], more = first(texts(item.get("tags")), limit)
        left_out += more
    return Tags(scopes=scopes, left_out=left_out)


def tag_values(document: JsonValue, limit: int) -> TagValueList:
    """Values with their types."""
    found = [TagValue(type=str(item["type"]), value=str(item["value"])) for item in listed(document, "tagValues")]
    shown, left_out = first(found, limit)
    return TagValueList(values=shown, left_out=left_out)


def tags_v1(document: JsonValue, limit: int) -> Tags:
    """Attribute names of an older server, which does not tell scopes apart."""
    shown, left_out = first(texts(mapping(document)["tagNames"]), limit)
    return Tags(scopes={"none": shown}, left_out=left_out)


def tag_values_v1(document: JsonValue, limit: int) -> TagValueList:
    """Values of an older server, which knows them as text only."""
    shown, left_out = first(texts(mapping(document)["tagValues"]), limit)
    return TagValueList(values=tuple(TagValue(type="string", value=value) for value in shown), left_out=left_out)


def metric_answer(document: JsonValue, max_series: int, *, at: float | None = None) -> MetricAnswer:
    """Series. at: the time of an instant answer, which has none of its own."""
    shown, left_out = first(listed(document, "series"), max_series)
    rows = tuple(_row(item, at) for item in shown)
    return MetricAnswer(series=rows, left_out_series=left_out, partial=partial(mapping(document)))


def listed(document: JsonValue, name: str) -> list[dict[str, JsonValue]]:
    """Entries under a name, which the server leaves out when there are none. Raises ValueError for another answer."""
    found = mapping(document)
    if document is None or (name not in found and found.keys() - _BESIDE):
        raise ValueError(f"an answer without {name!r}")
    return items(found.get(name))


def partial(document: dict[str, JsonValue]) -> str:
    """Why an answer is not whole, in the server's words; empty: it is whole."""
    if document.get("status") not in ("PARTIAL", 1):
        return ""
    return one_line(str(document.get("message") or "")) or "the server gave a part and did not say why"


def padded(text: str, digits: int) -> str:
    """A hex id in full length."""
    return text.lower().rjust(digits, "0")


def any_id(text: JsonValue, digits: int) -> str:
    """An id that may be written in hex or in base64. Raises ValueError for what is neither."""
    written = str(text or "")
    if not written:
        return ""
    if len(written) == digits and _HEX.fullmatch(written):
        return written.lower()
    return padded(base64.b64decode(written, validate=True).hex(), digits)


def _row(item: dict[str, JsonValue], at: float | None) -> Row:
    if at is None:
        points = tuple((_ms(entry), sample(entry.get("value", 0))) for entry in items(item.get("samples")))
    else:
        points = ((at, sample(item.get("value", 0))),)
    return Row(
        labels=_attributes(item.get("labels")),
        points=points,
        exemplars=tuple(map(_exemplar, items(item.get("exemplars")))),
    )


def _exemplar(item: dict[str, JsonValue]) -> ExemplarTrace:
    known = _attributes(item.get("labels"))
    trace_id = padded(known.get("trace:id", known.get("trace_id", "")), TRACE_DIGITS)
    return ExemplarTrace(trace_id=trace_id, at=_ms(item), value=sample(item.get("value", 0)))


def _ms(item: dict[str, JsonValue]) -> float:
    return real(item["timestampMs"]) / 1_000


def _found(item: dict[str, JsonValue]) -> FoundTrace:
    sets = items(item.get("spanSets")) or [mapping(item.get("spanSet"))]
    return FoundTrace(
        trace_id=padded(str(item["traceID"]), TRACE_DIGITS),
        root_service=str(item.get("rootServiceName", "")),
        root_name=str(item.get("rootTraceName", "")),
        start=_instant(item["startTimeUnixNano"]),
        duration_s=real(item.get("durationMs", 0)) / 1_000,
        matched=sum(int(real(one.get("matched", 0))) for one in sets),
        spans=tuple(_found_span(span) for one in sets for span in items(one.get("spans"))),
        span_counts={
            name: int(real(mapping(stats).get("spanCount", 0)))
            for name, stats in mapping(item.get("serviceStats")).items()
        },
    )


def _found_span(item: dict[str, JsonValue]) -> FoundSpan:
    return FoundSpan(
        span_id=padded(str(item["spanID"]), SPAN_DIGITS),
        name=str(item.get("name", "")),
        start=_instant(item["startTimeUnixNano"]),
        duration_s=real(item.get("durationNanos", 0)) / 1e9,
        attributes=_attributes(item.get("attributes")),
    )


def _spans(batch: dict[str, JsonValue]) -> Iterator[TraceSpan]:
    resource = _attributes(mapping(batch.get("resource")).get("attributes"))
    for scope in items(batch.get("scopeSpans") or batch.get("instrumentationLibrarySpans")):
        for item in items(scope.get("spans")):
            yield _span(item, resource)


def _span(item: dict[str, JsonValue], resource: dict[str, str]) -> TraceSpan:
    start, end = int(real_ns(item["startTimeUnixNano"])), int(real_ns(item["endTimeUnixNano"]))
    status = mapping(item.get("status"))
    return TraceSpan(
        trace_id=any_id(item["traceId"], TRACE_DIGITS),
        span_id=any_id(item["spanId"], SPAN_DIGITS),
        parent_id=any_id(item.get("parentSpanId"), SPAN_DIGITS),
        service=resource.get("service.name", ""),
        instance=next((resource[name] for name in _INSTANCE if name in resource), ""),
        version=resource.get("service.version", ""),
        operation=str(item.get("name", "")),
        start=_instant(start),
        duration_s=max(end - start, 0) / 1e9,
        error=status.get("code") in _ERROR,
        kind=str(item.get("kind", "")).removeprefix("SPAN_KIND_").lower(),
        status_message=str(status.get("message", "")),
        attributes=_attributes(item.get("attributes")),
        resource=resource,
        events=tuple(_event(event) for event in items(item.get("events"))[:MAX_EVENTS]),
    )


def real_ns(value: JsonValue) -> int:
    """Nanoseconds, which are written as a string so that no digit is lost. Raises ValueError or TypeError."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError(f"wants nanoseconds, not {type(value).__name__}")
    return int(value)


def _event(item: dict[str, JsonValue]) -> str:
    pairs = "".join(f" {name}={value}" for name, value in _attributes(item.get("attributes")).items())
    return f"{item.get('name', '')}{pairs}"


def _attributes(value: JsonValue) -> dict[str, str]:
    return {str(item["key"]): _plain(mapping(item.get("value"))) for item in items(value)}


def _plain(value: dict[str, JsonValue]) -> str:
    """The one entry of an OTLP value as text."""
    if "arrayValue" in value:
        return ", ".join(_plain(item) for item in items(mapping(value["arrayValue"]).get("values")))
    found = next(iter(value.values()), "")
    return str(found).lower() if isinstance(found, bool) else str(found)


def _instant(ns: JsonValue) -> datetime:
    return _EPOCH + timedelta(microseconds=real_ns(ns) // 1_000)
