"""What is written as a capture reads as one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from steersman.domain.signal import Change, LogRecord, Selector, Series, Span, Window
from steersman.telemetry.capture_writer import CaptureCase, write_capture
from steersman.toolsets.capture import read_bundle, read_case

T0 = datetime(2026, 11, 25, 12, 0, 0, 250_000, tzinfo=UTC)
WHO = {"service": "payments", "instance": "payments-1", "version": "v2"}
WINDOW = Window(start=T0, end=T0 + timedelta(seconds=60))
CASE = CaptureCase(
    case_id="c1",
    system="lab",
    window=WINDOW,
    candidates=("front", "payments"),
    call_graph=(("front", "payments"),),
    changes=(Change(at=T0, service="payments", kind="deploy", what="v2"),),
)
SPANS = (
    Span(trace_id="t", span_id="a", service="front", operation="GET /", start=T0, duration_s=0.5, error=True),
    Span(trace_id="t", span_id="b", parent_id="a", operation="POST /", start=T0, duration_s=0.25, error=False, **WHO),
    Span(trace_id="t", span_id="c", service="front", operation="GET /", start=T0, duration_s=0.5),
)
LOGS = (LogRecord(at=T0, level="ERROR", message="결제 실패\nline 2", trace_id="t", span_id="b", **WHO),)
METRICS = (Series(signal="cpu", selector=Selector(**WHO), times=(T0.timestamp(),), values=(0.5,)),)


def test_it_reads_as_it_was_written(tmp_path: Path) -> None:
    write_capture(tmp_path, CASE, metrics=METRICS, logs=LOGS, spans=SPANS)
    bundle = read_bundle(tmp_path)
    assert set(bundle.services) == {"front", "payments"}
    assert list(bundle.spans.error) == [1, 0, -1]
    assert list(bundle.spans.duration) == [0.5, 0.25, 0.5]
    assert list(bundle.metrics.value) == [0.5]
    assert set(bundle.versions) >= {"v2"}
    assert bundle.changes == CASE.changes
    assert bundle.start == T0.timestamp()
    assert bundle.alert is None
    assert pq.read_table(tmp_path / "logs.parquet")["message"].to_pylist() == ["결제 실패\nline 2"]


def test_nothing_seen_is_a_capture_of_nothing(tmp_path: Path) -> None:
    write_capture(tmp_path, CASE.model_copy(update={"alert_time": T0}), metrics=(), logs=(), spans=())
    assert read_bundle(tmp_path).holes == ()
    assert read_case(tmp_path).alert_time == T0.replace(tzinfo=None)
    assert json.loads((tmp_path / "case.json").read_text())["modalities"] == {"metrics": 0, "logs": 0, "spans": 0}
