"""Recorded incidents: a directory with `case.json`, `metrics.parquet`, `logs.parquet`, `spans.parquet`.

Asked like any live source, or read into columns at once. Needs the extra `capture`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np

from steersman.diagnosis.bundle import Bundle, Vocabulary
from steersman.domain.errors import UnavailableError
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, Span, SpanPage, Window
from steersman.toolsets.capture.columns import codes, is_failed, read_bundle, read_case, read_table, seconds, times, utc

METRICS: dict[SignalName, tuple[str, ...]] = {
    "error_rate": ("error_rate",),
    "request_rate": ("request_rate", "pod_request_rate_ops"),
    "latency_p50": ("latency_p50",),
    "latency_p95": ("latency_p95", "pod_server_latency_p95_seconds"),
    "latency_p99": ("latency_p99", "pod_server_latency_p99_seconds"),
    "cpu": ("cpu", "pod_cpu_usage_percent"),
    "memory": ("memory", "pod_memory_usage_mib"),
    "disk_latency": ("disk_latency",),
    "queue_depth": ("queue_depth",),
    "pool_usage": ("pool_usage",),
    "restarts": ("restarts",),
    "up": ("up",),
}
"""Which metric of a capture holds a signal; the first that is there."""
SCALE: dict[str, float] = {"pod_cpu_usage_percent": 0.01, "pod_memory_usage_mib": 2.0**20}
"""From a metric's unit to the signal's."""


def series_of(bundle: Bundle, signal: SignalName, selector: Selector, window: Window) -> Series:
    """One signal of a service out of a capture that was read; points of several instances at one time are averaged."""
    metrics = bundle.metrics
    service = bundle.services.index(selector.service) if selector.service in bundle.services else None
    for name in METRICS[signal]:
        mine = [i for i, n in enumerate(metrics.name) if n == name and metrics.service[i] == service]
        if not mine:
            continue
        rows = np.concatenate([np.arange(metrics.offsets[i], metrics.offsets[i + 1]) for i in mine])
        time, value = metrics.time[rows], metrics.value[rows] * SCALE.get(name, 1.0)
        kept = np.isfinite(value) & (time >= window.start.timestamp()) & (time < window.end.timestamp())
        instants, place = np.unique(time[kept], return_inverse=True)
        means = np.bincount(place, weights=value[kept]) / np.bincount(place) if instants.size else instants
        return Series(signal=signal, selector=selector, times=tuple(instants.tolist()), values=tuple(means.tolist()))
    return Series(signal=signal, selector=selector, times=(), values=())


class Capture:
    """A `Source` over a recorded incident, which also gives all of it in columns at once.

    Raises InputError when the directory is no capture. Reference rows are answered with their own time.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.case = read_case(directory)

    async def bundle(self, window: Window | None = None, baseline: Window | None = None) -> Bundle:  # noqa: ARG002
        """All of the capture. Its windows are those of the recording, whatever is asked for."""
        return await asyncio.to_thread(read_bundle, self._directory)

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal; points of several instances at one time are averaged."""
        rows = await asyncio.to_thread(self._rows, "metrics", "timestamp", selector, window)
        for name in METRICS[signal]:
            found = [row for row in rows if row["metric"] == name and row["value"] is not None]
            if found:
                instants, place = np.unique([seconds(row["timestamp"]) for row in found], return_inverse=True)
                total = np.bincount(place, weights=[row["value"] for row in found])
                values = SCALE.get(name, 1.0) * total / np.bincount(place)
                kept = np.isfinite(values)
                pairs = (tuple(instants[kept].tolist()), tuple(values[kept].tolist()))
                return Series(signal=signal, selector=selector, times=pairs[0], values=pairs[1])
        return Series(signal=signal, selector=selector, times=(), values=())

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Log lines, oldest first."""
        rows = await asyncio.to_thread(self._rows, "logs", "timestamp", selector, window)
        records = tuple(
            LogRecord(
                at=utc(row["timestamp"]),
                service=row["service"] or "",
                instance=row.get("pod") or "",
                version=row.get("version") or "",
                level=row.get("level") or "",
                message=row["message"] or "",
                trace_id=row.get("trace_id") or "",
                span_id=row.get("span_id") or "",
            )
            for row in rows[:limit]
        )
        return LogPage(records=records, left_out=max(len(rows) - limit, 0))

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans, oldest first."""
        rows = await asyncio.to_thread(self._rows, "spans", "start", selector, window)
        spans = tuple(
            Span(
                trace_id=row["trace_id"] or "",
                span_id=row["span_id"] or "",
                parent_id=row.get("parent_id") or "",
                service=row["service"] or "",
                instance=row.get("pod") or "",
                version=row.get("version") or "",
                operation=row.get("operation") or "",
                start=utc(row["start"]),
                duration_s=(row["duration_us"] or 0) / 1e6,
                error=None if row.get("status") is None else bool(is_failed(str(row["status"]))),
            )
            for row in rows[:limit]
        )
        return SpanPage(spans=spans, left_out=max(len(rows) - limit, 0))

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Changes that the recording notes, oldest first."""
        found = [change for change in self.case.changes if window.start <= change.at < window.end]
        return tuple(sorted(found, key=lambda change: change.at))

    def _rows(self, part: str, column: str, selector: Selector, window: Window) -> list[dict[str, Any]]:
        """Rows of one file that fit, by time. Raises UnavailableError when the file cannot be read."""
        holes: list[str] = []
        table = read_table(self._directory / f"{part}.parquet", holes)
        if holes:
            raise UnavailableError(f"{holes[0]}: {str(self._directory)!r}; record it again")
        if table is None:
            return []
        time = times(table, column)
        fits = (time >= window.start.timestamp()) & (time < window.end.timestamp())
        for name, wanted in (("service", selector.service), ("version", selector.version), ("pod", selector.instance)):
            if wanted is not None:
                fits &= codes(table, name, Vocabulary([wanted])) == 0
        rows = np.flatnonzero(fits)
        return list(table.take(rows[np.argsort(time[rows], kind="stable")]).to_pylist())
