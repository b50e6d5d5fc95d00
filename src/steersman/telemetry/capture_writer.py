"""Writes a capture: telemetry of one window in the layout that investigations read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from steersman.domain.errors import ConfigError
from steersman.domain.fact import Fact, Instant
from steersman.domain.signal import Change, LogRecord, Series, Span, Window

ROWS = 100_000
"""Rows that are held in memory and written together."""


class CaptureCase(Fact):
    """What `case.json` says. It holds no label."""

    case_id: str
    system: str
    window: Window
    alert_time: Instant | None = None
    """About when a person would be paged, where anybody knows."""
    candidates: tuple[str, ...]
    """Services that may be named."""
    call_graph: tuple[tuple[str, str], ...] = ()
    """Caller and callee."""
    changes: tuple[Change, ...] = ()
    suspect: str = ""
    """The service that was paged for or asked about."""
    holes: tuple[str, ...] = ()
    """Who did not answer while it was recorded."""
    not_looked_at: tuple[str, ...] = ()
    """What nothing there measures or keeps."""


def write_capture(
    folder: Path, case: CaptureCase, *, metrics: Iterable[Series], logs: Iterable[LogRecord], spans: Iterable[Span]
) -> None:
    """Writes `case.json`, `metrics.parquet`, `logs.parquet` and `spans.parquet`; a version stands beside each pod.

    What lies before the window is marked as reference: it is what the window is compared with.

    Raises ConfigError when pyarrow is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, Iterator[tuple[Any, ...]]] = {
        "metrics": ((*row, _phase(row[0], case)) for series in metrics for row in _points(series)),
        "logs": ((*_log(line), _phase(_naive(line.at), case)) for line in logs),
        "spans": ((*_span(span), _phase(_naive(span.start), case)) for span in spans),
    }
    counts = {name: _write_table(folder / f"{name}.parquet", _SCHEMAS[name], each) for name, each in rows.items()}
    (folder / "case.json").write_text(_case(case, counts), encoding="utf-8")


_SCHEMAS: dict[str, tuple[tuple[str, str], ...]] = {
    "metrics": (
        ("timestamp", "timestamp[us]"),
        *((name, "string") for name in ("metric", "service", "pod", "version", "peer")),
        ("value", "float64"),
        ("phase", "string"),
    ),
    "logs": (
        ("timestamp", "timestamp[us]"),
        *((name, "string") for name in ("service", "pod", "version", "level", "message", "trace_id", "span_id")),
        ("phase", "string"),
    ),
    "spans": (
        *((name, "string") for name in ("trace_id", "span_id", "parent_id", "service", "pod", "version", "operation")),
        ("start", "timestamp[us]"),
        ("duration_us", "int64"),
        ("status", "string"),
        ("phase", "string"),
    ),
}


def _write_table(path: Path, schema: Sequence[tuple[str, str]], rows: Iterator[tuple[Any, ...]]) -> int:
    """Writes rows as they come, some at a time: an hour of a large system does not fit into memory. Gives their number.

    Raises ConfigError when pyarrow is missing.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as e:
        raise ConfigError("captures need pyarrow: install steersman[capture]") from e
    types = {"timestamp[us]": pa.timestamp("us"), "string": pa.string()}
    types |= {"float64": pa.float64(), "int64": pa.int64()}
    count, fields = 0, pa.schema([(name, types[kind]) for name, kind in schema])
    with pq.ParquetWriter(path, fields) as writer:
        while part := list(islice(rows, ROWS)):
            arrays = [
                pa.array(column, field.type) for column, field in zip(zip(*part, strict=True), fields, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=fields))
            count += len(part)
    return count


def _case(case: CaptureCase, counts: dict[str, int]) -> str:
    import json

    return json.dumps(
        {
            "case_id": case.case_id,
            "suite": "steersman",
            "system": case.system,
            "window_start": _text(case.window.start),
            "window_end": _text(case.window.end),
            "alert_time": _text(case.alert_time) if case.alert_time else None,
            "alert": {"service": case.suspect, "metric": ""} if case.suspect else None,
            "timezone": "UTC",
            "candidates": list(case.candidates),
            "call_graph": [list(edge) for edge in case.call_graph],
            "modalities": counts,
            "changes": [change.model_dump(mode="json") for change in case.changes],
            "holes": list(case.holes),
            "not_looked_at": list(case.not_looked_at),
        },
        indent=1,
        ensure_ascii=False,
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _phase(at: datetime, case: CaptureCase) -> str | None:
    return "reference" if at < _naive(case.window.start) else None


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _points(series: Series) -> list[tuple[Any, ...]]:
    who = series.selector
    return [
        (_naive(datetime.fromtimestamp(at, UTC)), series.signal, who.service, who.instance, who.version, None, value)
        for at, value in zip(series.times, series.values, strict=True)
    ]


def _log(line: LogRecord) -> tuple[Any, ...]:
    who = (line.service, line.instance or None, line.version or None)
    return (_naive(line.at), *who, line.level or None, line.message, line.trace_id or None, line.span_id or None)


def _span(span: Span) -> tuple[Any, ...]:
    status = None if span.error is None else ("error" if span.error else "ok")
    who = (span.service, span.instance or None, span.version or None)
    return (
        *(span.trace_id, span.span_id, span.parent_id or None),
        *who,
        span.operation,
        _naive(span.start),
        round(span.duration_s * 1e6),
        status,
    )
