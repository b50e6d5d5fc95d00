"""Writes a capture: telemetry of one window in the layout that investigations read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steersman.domain.errors import ConfigError
from steersman.domain.fact import Fact, Instant
from steersman.domain.signal import Change, LogRecord, Series, Span, Window


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
    tables = {
        "metrics": [(*row, _phase(row[0], case)) for series in metrics for row in _points(series)],
        "logs": [(*_log(line), _phase(_naive(line.at), case)) for line in logs],
        "spans": [(*_span(span), _phase(_naive(span.start), case)) for span in spans],
    }
    for name, rows in tables.items():
        _write_table(folder / f"{name}.parquet", _SCHEMAS[name], rows)
    (folder / "case.json").write_text(_case(case, tables), encoding="utf-8")


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


def _write_table(path: Path, schema: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as e:
        raise ConfigError("captures need pyarrow: install steersman[capture]") from e
    types = {"timestamp[us]": pa.timestamp("us"), "string": pa.string()}
    types |= {"float64": pa.float64(), "int64": pa.int64()}
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    fields = pa.schema([(name, types[kind]) for name, kind in schema])
    arrays = [pa.array(column, types[kind]) for column, (_, kind) in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=fields), path)


def _case(case: CaptureCase, tables: dict[str, list[tuple[Any, ...]]]) -> str:
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
            "modalities": {name: len(rows) for name, rows in tables.items()},
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
    who = (line.service, line.instance, line.version)
    return (_naive(line.at), *who, line.level, line.message, line.trace_id, line.span_id)


def _span(span: Span) -> tuple[Any, ...]:
    status = None if span.error is None else ("error" if span.error else "ok")
    who = (span.service, span.instance, span.version)
    return (
        *(span.trace_id, span.span_id, span.parent_id or None),
        *who,
        span.operation,
        _naive(span.start),
        round(span.duration_s * 1e6),
        status,
    )
