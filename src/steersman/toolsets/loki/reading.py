"""Answers of Loki taken apart. Source: grafana.com, "Loki HTTP API"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from steersman.remote.shape import first, items, labels, mapping, real, sample, texts
from steersman.remote.text import one_line
from steersman.toolsets.loki.facts import (
    Detected,
    DetectedNames,
    Line,
    LogAnswer,
    LogSearch,
    MetricAnswer,
    Pattern,
    Patterns,
    Row,
    Stats,
)

MAX_SERIES = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def log_answer(answer: dict[str, JsonValue], ask: LogSearch) -> LogAnswer:
    """Lines of all streams merged by time; the limit of the server is over all of them."""
    found = [
        _line(stream, entry, ask.max_line_chars)
        for item in items(_result(answer, "streams"))
        for stream in (labels(item.get("stream")),)
        for entry in _list(item["values"])
    ]
    found.sort(key=lambda line: int(line.at_ns), reverse=ask.direction != "forward")
    return LogAnswer(lines=tuple(found[: ask.limit]), complete=len(found) < ask.limit, warnings=_warnings(answer))


def streamed(message: JsonValue, max_line_chars: int) -> tuple[list[Line], int]:
    """(lines of one message of the WebSocket, how many others the server has dropped)."""
    found = mapping(message)
    lines = [
        _line(labels(item.get("stream")), entry, max_line_chars)
        for item in items(found.get("streams"))
        for entry in _list(item["values"])
    ]
    return lines, len(items(found.get("dropped_entries")))


def metric_answer(answer: dict[str, JsonValue], max_series: int) -> MetricAnswer:
    """Series of a matrix or a vector."""
    shown, left_out = first(items(_result(answer, "matrix", "vector")), max_series)
    return MetricAnswer(series=tuple(map(_row, shown)), left_out_series=left_out, warnings=_warnings(answer))


def stats(document: JsonValue) -> Stats:
    """Sizes of the index."""
    found = mapping(document)
    return Stats(**{name: int(real(found[name])) for name in ("streams", "chunks", "bytes", "entries")})


def patterns(data: JsonValue, limit: int) -> Patterns:
    """Shapes, the commonest first."""
    found = sorted((_pattern(item) for item in items(data)), key=lambda pattern: -pattern.total)
    shown, left_out = first(found, limit)
    return Patterns(patterns=shown, left_out=left_out)


def detected(document: JsonValue, name: str, limit: int) -> DetectedNames:
    """Labels or fields; where there are none the server leaves their name out. Raises ValueError for another answer."""
    answer = mapping(document)
    if document is None or (name not in answer and answer.keys() - {"limit"}):
        raise ValueError(f"an answer without {name!r}")
    found = [
        Detected(
            name=str(item["label"]),
            type=str(item.get("type", "")),
            cardinality=int(real(item.get("cardinality", 0))),
            parsers=texts(item.get("parsers")),
        )
        for item in items(answer.get(name))
    ]
    shown, left_out = first(found, limit)
    return DetectedNames(found=shown, left_out=left_out)


def _warnings(answer: dict[str, JsonValue]) -> tuple[str, ...]:
    return tuple(map(one_line, texts(answer.get("warnings"))))


def _result(answer: dict[str, JsonValue], *kinds: str) -> JsonValue:
    document = mapping(answer.get("data"))
    if document["resultType"] not in kinds:
        raise ValueError(f"wants {' or '.join(kinds)}, not {document['resultType']!r}")
    return document["result"]


def _line(stream: dict[str, str], entry: JsonValue, max_chars: int) -> Line:
    at_ns, text, *rest = _list(entry)
    if not isinstance(text, str):
        raise TypeError("a line is text")
    more = mapping(rest[0]) if rest else {}
    ns = str(int(str(at_ns)))
    return Line(
        at=_EPOCH + timedelta(microseconds=int(ns) // 1_000),
        at_ns=ns,
        labels={**stream, **labels(more.get("parsed"))},
        metadata=labels(more.get("structuredMetadata")),
        line=text[:max_chars],
        cut_chars=max(len(text) - max_chars, 0),
    )


def _row(item: dict[str, JsonValue]) -> Row:
    values = item["values"] if "values" in item else [item["value"]]
    pairs = (_list(pair) for pair in _list(values))
    return Row(labels=labels(item.get("metric")), points=tuple((real(at), sample(value)) for at, value in pairs))


def _pattern(item: dict[str, JsonValue]) -> Pattern:
    pairs = (_list(pair) for pair in _list(item["samples"]))
    points = tuple((real(at), real(count)) for at, count in pairs)
    return Pattern(
        pattern=str(item["pattern"]),
        level=str(item.get("level", "")),
        total=sum(count for _, count in points),
        points=points,
    )


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise TypeError(f"wants a list, not {type(value).__name__}")
    return value
