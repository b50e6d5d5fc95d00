"""The last value of every metric as a Prometheus server scrapes it.

Source: Prometheus text format 0.0.4; names as OpenTelemetry's compatibility rules for Prometheus have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from steersman.lab.collector.otlp import Point

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UNITS = {"s": "seconds", "By": "bytes", "1": "ratio"}
_UNSAFE = re.compile(r"[^a-zA-Z0-9_]")


def text(points: Sequence[Point]) -> str:
    """All points. Points of one metric need not stand together."""
    families: dict[str, list[Point]] = {}
    for point in points:
        families.setdefault(metric_name(point), []).append(point)
    return "".join(line + "\n" for name in sorted(families) for line in _family(name, families[name]))


def metric_name(point: Point) -> str:
    """`http.server.request.duration` in `s` becomes `http_server_request_duration_seconds`."""
    parts = [_UNSAFE.sub("_", point.name)]
    unit = UNITS.get(point.unit)
    if unit is not None and not (unit == "ratio" and point.kind != "gauge"):
        parts.append(unit)
    if point.kind == "counter":
        parts.append("total")
    return "_".join(parts)


def _family(name: str, points: Sequence[Point]) -> Iterator[str]:
    yield f"# HELP {name} {points[0].help or points[0].name}"
    yield f"# TYPE {name} {points[0].kind}"
    for point in points:
        labels = _labels(point)
        if point.histogram is None:
            yield f"{name}{_braces(labels)} {point.value!r}"
            continue
        count = 0
        bins = point.histogram
        for bound, inside in zip((*bins.explicit_bounds, None), bins.bucket_counts, strict=True):
            count += inside
            edge = "+Inf" if bound is None else repr(float(bound))
            yield f"{name}_bucket{_braces({**labels, 'le': edge})} {count}"
        yield f"{name}_sum{_braces(labels)} {bins.sum!r}"
        yield f"{name}_count{_braces(labels)} {count}"


def _labels(point: Point) -> dict[str, Any]:
    source = point.source
    named = {"job": source.service, "instance": source.instance, "version": source.version, "pool": source.pool}
    return {**named, **{_UNSAFE.sub("_", key): value for key, value in point.labels.items()}}


def _braces(labels: dict[str, Any]) -> str:
    pairs = ",".join(f'{key}="{_escaped(str(value))}"' for key, value in labels.items() if value != "")
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
