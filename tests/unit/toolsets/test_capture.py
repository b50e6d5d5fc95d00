"""Captures: asked as a source, read in columns, and never with an eye on the label."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steersman.agents.investigate import Columnar, investigate
from steersman.domain.errors import InputError, UnavailableError
from steersman.domain.signal import Selector, Window
from steersman.toolsets.capture import Capture
from steersman.toolsets.capture.columns import read_bundle

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=10))
SPAN = {
    "trace_id": "t1",
    "span_id": "s1",
    "parent_id": None,
    "service": "front",
    "pod": "front-0",
    "version": "v1",
    "operation": "GET /",
    "start": START + timedelta(minutes=9),
    "duration_us": 1_500,
    "status": "ERROR",
    "phase": None,
}
LINE = {
    "timestamp": START + timedelta(minutes=9),
    "service": "front",
    "pod": "front-0",
    "level": "ERROR",
    "message": "boom",
    "trace_id": "t1",
    "span_id": "s1",
    "phase": None,
}
POINT = {"timestamp": START, "metric": "cpu", "service": "front", "pod": "front-0", "peer": None, "value": 0.5}
CASE = {
    "window_start": "2026-11-25 12:00:00",
    "window_end": "2026-11-25T12:10:00Z",
    "alert_time": "2026-11-25 12:09:00",
    "alert": {"service": "front", "metric": "latency"},
    "candidates": ["front", "catalog"],
    "call_graph": [["front", "catalog"]],
    "label": {"service": "catalog"},
    "changes": [{"at": "2026-11-25T12:08:00Z", "service": "front", "kind": "deploy", "what": "v2"}],
}


def capture(folder: Path, **parts: list[dict[str, Any]]) -> Path:
    (folder / "case.json").write_text(json.dumps(CASE))
    for name, rows in parts.items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    return folder


async def test_a_capture_answers_like_a_live_source(tmp_path: Path) -> None:
    late = {**LINE, "timestamp": START + timedelta(hours=1)}
    source = Capture(capture(tmp_path, metrics=[POINT], logs=[late, LINE, {**LINE, "message": "b"}], spans=[SPAN]))
    everything = Selector()
    page = await source.logs(everything, WINDOW, limit=1)
    assert ([record.message for record in page.records], page.left_out) == (["boom"], 1)
    (span,) = (await source.spans(Selector(service="front", version="v1", instance="front-0"), WINDOW)).spans
    assert (span.duration_s, span.error, span.parent_id) == (0.0015, True, "")
    assert not (await source.spans(Selector(service="other"), WINDOW)).spans
    assert [change.kind for change in await source.changes(WINDOW)] == ["deploy"]


async def test_points_of_several_instances_are_averaged_and_units_are_the_signals(tmp_path: Path) -> None:
    percent = [
        {**POINT, "metric": "pod_cpu_usage_percent", "pod": f"front-{i}", "value": v}
        for i, v in enumerate((20.0, 40.0))
    ]
    found = await Capture(capture(tmp_path, metrics=percent)).range("cpu", Selector(service="front"), WINDOW)
    assert (found.times, found.values) == ((START.timestamp(),), (0.3,))


async def test_what_was_not_recorded_is_empty(tmp_path: Path) -> None:
    source = Capture(capture(tmp_path))
    assert (await source.range("cpu", Selector(), WINDOW)).times == ()
    assert not (await source.logs(Selector(), WINDOW)).records
    assert not (await source.spans(Selector(), WINDOW)).spans
    assert (await investigate("?", WINDOW, source)).result == "not_enough_data"


def test_columns_tie_spans_lines_and_names_together(tmp_path: Path) -> None:
    child = {**SPAN, "span_id": "s2", "parent_id": "s1", "service": "catalog", "status": "UNSET"}
    other = {**SPAN, "trace_id": "t2", "parent_id": "s2", "status": None}
    bundle = read_bundle(
        capture(tmp_path, metrics=[POINT], logs=[LINE, {**LINE, "trace_id": "t9"}], spans=[SPAN, child, other])
    )
    assert bundle.spans.parent.tolist() == [-1, 0, -1]
    assert bundle.spans.error.tolist() == [1, 0, -1]
    assert bundle.logs.span.tolist() == [0, -1]
    assert bundle.logs.line(0) == "boom"
    assert {bundle.services[code] for code in bundle.candidates or ()} == {"front", "catalog"}
    assert [(bundle.services[a], bundle.services[b]) for a, b in bundle.edges] == [("front", "catalog")]
    assert bundle.services[bundle.suspect or 0] == "front"
    assert bundle.alert == (START + timedelta(minutes=9)).timestamp()


def test_of_the_phase_only_reference_is_read(tmp_path: Path) -> None:
    rows = [{**SPAN, "span_id": f"s{i}", "phase": phase} for i, phase in enumerate(("reference", "pre", "post", None))]
    assert read_bundle(capture(tmp_path, spans=rows)).spans.reference.tolist() == [True, False, False, False]


def test_series_are_told_apart_by_metric_service_pod_and_peer(tmp_path: Path) -> None:
    rows = [
        {**POINT, "timestamp": START + timedelta(seconds=60 - 15 * i), "value": float(i), "pod": pod}
        for pod in ("a", "b")
        for i in range(4)
    ]
    metrics = read_bundle(capture(tmp_path, metrics=rows)).metrics
    assert metrics.name == ("cpu", "cpu")
    assert metrics.offsets.tolist() == [0, 4, 8]
    assert (np.diff(metrics.time[:4]) > 0).all()
    assert metrics.value[:4].tolist() == [3.0, 2.0, 1.0, 0.0]


async def test_a_file_that_cannot_be_read_is_a_hole(tmp_path: Path) -> None:
    folder = capture(tmp_path, spans=[SPAN])
    (folder / "logs.parquet").write_bytes(b"PAR1 not")
    assert read_bundle(folder).holes == ("logs.parquet of the capture cannot be read",)
    assert (await investigate("?", WINDOW, Capture(folder))).result == "not_enough_data"
    with pytest.raises(UnavailableError, match="record it again"):
        await Capture(folder).logs(Selector(), WINDOW)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"window_start": "yesterday"}'])
def test_what_is_no_capture_is_refused_with_a_remedy(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "case.json").write_text(text)
    with pytest.raises(InputError, match=r"steer record|record it again"):
        Capture(tmp_path)


def test_a_capture_gives_columns(tmp_path: Path) -> None:
    assert isinstance(Capture(capture(tmp_path)), Columnar)
