"""Answers of the Prometheus HTTP API taken apart. Source: prometheus.io, "HTTP API"."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from steersman.remote.shape import first, items, labels, mapping, real, sample, texts
from steersman.toolsets.prometheus.facts import (
    Alert,
    Alerts,
    Exemplar,
    Exemplars,
    Histogram,
    Meaning,
    Metadata,
    QueryAnswer,
    Row,
    Rule,
    Rules,
    Target,
    Targets,
)

MAX_POINTS = 100_000
"""Points of all series of one answer that are shown."""


def query_answer(data: JsonValue, *, max_series: int, warnings: tuple[str, ...]) -> QueryAnswer:
    """The answer of an instant or range query."""
    document = mapping(data)
    kind = document["resultType"]
    if kind in {"scalar", "string"}:
        at, value = _pair(document["result"])
        if kind == "string":
            return QueryAnswer(result_type="string", series=(), text=str(value), warnings=warnings)
        row = Row(labels={}, points=((real(at), sample(value)),))
        return QueryAnswer(result_type="scalar", series=(row,), warnings=warnings)
    shown, left_out = first(items(document["result"]), max_series)
    rows, points = _capped(_row(item) for item in shown)
    return QueryAnswer.model_validate(
        {
            "result_type": kind,
            "series": rows,
            "left_out_series": left_out,
            "left_out_points": points,
            "warnings": warnings,
        }
    )


def metadata(data: JsonValue, limit: int) -> Metadata:
    """Meanings, one for each distinct claim about a metric."""
    found = [
        Meaning(metric=name, type=str(m.get("type", "")), help=str(m.get("help", "")), unit=str(m.get("unit", "")))
        for name, claims in mapping(data).items()
        for m in items(claims)
    ]
    shown, left_out = first(found, limit)
    return Metadata(metrics=shown, left_out=left_out)


def targets(data: JsonValue, limit: int) -> Targets:
    """Targets, the unhealthy first."""
    document = mapping(data)
    active = [_target(item) for item in items(document.get("activeTargets"))]
    active.sort(key=lambda target: target.health == "up")
    dropped = [_target(item, dropped=True) for item in items(document.get("droppedTargets"))]
    shown, left_out = first([*active, *dropped], limit)
    return Targets(targets=shown, left_out=left_out)


def alerts(data: JsonValue, limit: int) -> Alerts:
    """Alerts as they stand."""
    shown, left_out = first(items(mapping(data)["alerts"]), limit)
    return Alerts(alerts=tuple(map(_alert, shown)), left_out=left_out)


def rules(data: JsonValue, limit: int) -> Rules:
    """Rules of all groups, those with errors first."""
    found = [
        _rule(str(group.get("name", "")), item)
        for group in items(mapping(data)["groups"])
        for item in items(group.get("rules"))
    ]
    found.sort(key=lambda rule: (rule.health != "err", rule.state != "firing"))
    shown, left_out = first(found, limit)
    return Rules(rules=shown, left_out=left_out)


def exemplars(data: JsonValue, limit: int) -> Exemplars:
    """Exemplars of all series, by time."""
    found = [
        Exemplar(
            series=labels(entry.get("seriesLabels")),
            labels=labels(item.get("labels")),
            value=sample(item["value"]),
            at=real(item["timestamp"]),
        )
        for entry in items(data)
        for item in items(entry.get("exemplars"))
    ]
    shown, left_out = first(sorted(found, key=lambda e: e.at), limit)
    return Exemplars(exemplars=shown, left_out=left_out)


def label_sets(data: JsonValue, limit: int) -> tuple[tuple[dict[str, str], ...], int]:
    """The label sets of series, and how many more there are."""
    shown, left_out = first(items(data), limit)
    return tuple(map(labels, shown)), left_out


def names(data: JsonValue, limit: int) -> tuple[tuple[str, ...], int]:
    """Names or values, and how many more there are."""
    return first(texts(data), limit)


def _row(item: dict[str, JsonValue]) -> Row:
    values = item.get("values", [item["value"]] if "value" in item else [])
    histograms = item.get("histograms", [item["histogram"]] if "histogram" in item else [])
    return Row(
        labels=labels(item.get("metric")),
        points=tuple((real(at), sample(value)) for at, value in map(_pair, _list(values))),
        histograms=tuple(_histogram(*_pair(pair)) for pair in _list(histograms)),
    )


def _histogram(at: JsonValue, value: JsonValue) -> Histogram:
    document = mapping(value)
    return Histogram(at=real(at), count=sample(document["count"]), sum=sample(document["sum"]))


def _capped(rows: Iterable[Row]) -> tuple[tuple[Row, ...], int]:
    shown: list[Row] = []
    room, left_out = MAX_POINTS, 0
    for row in rows:
        kept = row.points[:room]
        left_out += len(row.points) - len(kept)
        room -= len(kept)
        shown.append(row.model_copy(update={"points": kept}) if len(kept) < len(row.points) else row)
    return tuple(shown), left_out


def _pair(value: JsonValue) -> tuple[JsonValue, JsonValue]:
    at, found = _list(value)
    return at, found


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise TypeError(f"wants a list, not {type(value).__name__}")
    return value


def _target(item: dict[str, JsonValue], *, dropped: bool = False) -> Target:
    return Target(
        labels=labels(item.get("labels") or item.get("discoveredLabels")),
        pool=str(item.get("scrapePool", "")),
        url=str(item.get("scrapeUrl", "")),
        health=str(item.get("health", "dropped" if dropped else "unknown")),
        last_error=str(item.get("lastError", "")),
        last_scrape=str(item.get("lastScrape", "")),
        dropped=dropped,
    )


def _alert(item: dict[str, JsonValue]) -> Alert:
    return Alert(
        labels=labels(item.get("labels")),
        annotations=labels(item.get("annotations")),
        state=str(item["state"]),
        active_at=str(item.get("activeAt", "")),
        value=sample(item["value"]),
    )


def _rule(group: str, item: dict[str, JsonValue]) -> Rule:
    return Rule(
        group=group,
        name=str(item["name"]),
        type=str(item["type"]),
        query=str(item["query"]),
        state=str(item.get("state", "")),
        health=str(item["health"]),
        last_error=str(item.get("lastError", "")),
        for_s=real(item.get("duration", 0)),
        labels=labels(item.get("labels")),
        alerts=len(items(item.get("alerts"))),
    )
