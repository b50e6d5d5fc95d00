"""A capture's files, read into columns without a Python object for each row. Needs the extra `capture`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, ValidationError

from steersman.diagnosis.bundle import NONE, Bundle, Flags, Floats, Ints, Logs, Metrics, Spans, Vocabulary
from steersman.diagnosis.gathering import FAILED_LEVELS
from steersman.domain.errors import ConfigError, InputError
from steersman.domain.fact import Fact
from steersman.domain.signal import Change

if TYPE_CHECKING:
    import pyarrow as pa

CALLER_SIDE = ("_remote", "_client")
"""AWS X-Ray's suffixes of nodes that are known from their callers' (or as callers' own) side only."""
FEW = frozenset({"metric", "service", "pod", "peer", "level", "version", "operation", "status", "phase"})
"""Columns whose values repeat."""


class Alert(Fact):
    """What paged somebody."""

    service: str = ""
    metric: str = ""


class Case(Fact):
    """`case.json`. Other keys are passed over: whoever labels a capture keeps the label there."""

    model_config = ConfigDict(extra="ignore")

    case_id: str = ""
    window_start: datetime
    window_end: datetime
    alert_time: datetime | None = None
    alert: Alert | None = None
    candidates: tuple[str, ...] | None = None
    call_graph: tuple[tuple[str, str], ...] | None = Field(default=None)
    changes: tuple[Change, ...] = ()
    holes: tuple[str, ...] = ()
    not_looked_at: tuple[str, ...] = ()


def read_case(directory: Path) -> Case:
    """The description of a capture. Raises InputError when there is none or it is malformed."""
    path = directory / "case.json"
    try:
        return Case.model_validate_json(path.read_bytes())
    except FileNotFoundError as e:
        raise InputError(
            f"not a capture, case.json is missing: {str(directory)!r}; give a directory made by `steer record`"
        ) from e
    except (ValidationError, json.JSONDecodeError) as e:
        raise InputError(f"malformed case.json in {str(directory)!r}: {str(e).splitlines()[0]}; record it again") from e


def utc(at: datetime) -> datetime:
    """An aware instant; one without zone is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def seconds(at: datetime) -> float:
    """Unix seconds; an instant without zone is UTC."""
    return utc(at).timestamp()


@dataclass(frozen=True, slots=True)
class _Names:
    services: Vocabulary
    instances: Vocabulary
    versions: Vocabulary
    operations: Vocabulary
    traces: Vocabulary


@dataclass(frozen=True, slots=True)
class _Ids:
    """Finds the row of a span by its id, within a trace: ids repeat across traces."""

    known: pa.Array
    """Distinct ids of spans."""
    span: Ints
    trace: Ints

    def rows(self, wanted: pa.Array | None, trace: Ints) -> Ints:
        """Row of each wanted span, NONE where there is none."""
        import pyarrow.compute as pc

        if wanted is None or not len(self.span):
            return np.full(len(trace), NONE, np.int32)
        span = pc.index_in(wanted.cast(self.known.type), self.known).fill_null(NONE).to_numpy(zero_copy_only=False)
        wide = len(self.known) + 1
        own, sought = self.trace.astype(np.int64) * wide + self.span, trace.astype(np.int64) * wide + span
        order = np.argsort(own, kind="stable")
        row = order[np.searchsorted(own[order], sought).clip(max=len(own) - 1)]
        return np.where((own[row] == sought) & (span >= 0), row, NONE).astype(np.int32)


def read_bundle(directory: Path, *, use: frozenset[str] = frozenset({"metrics", "logs", "spans"})) -> Bundle:
    """All of a capture in columns.

    use: modalities to read. A file that is absent is no data; one that cannot be read is a hole.
    """
    case = read_case(directory)
    names = _Names(Vocabulary(), Vocabulary(), Vocabulary(), Vocabulary(), Vocabulary())
    holes: list[str] = []
    tables = {part: read_table(directory / f"{part}.parquet", holes) for part in sorted(use)}
    metrics = _metrics(tables.pop("metrics", None), names)
    spans, ids = _spans(tables.pop("spans", None), names)
    logs = _logs(tables.pop("logs", None), names, ids)
    code = names.services.code
    return Bundle(
        start=seconds(case.window_start),
        end=seconds(case.window_end),
        alert=seconds(case.alert_time) if case.alert_time else None,
        candidates=None if case.candidates is None else frozenset(code(name) for name in case.candidates),
        edges=frozenset((code(caller), code(callee)) for caller, callee in case.call_graph or ()),
        virtual=frozenset(c for c, name in enumerate(names.services.names) if name.endswith(CALLER_SIDE)),
        suspect=code(case.alert.service) if case.alert and case.alert.service else None,
        alert_metric=case.alert.metric if case.alert else "",
        metrics=metrics,
        spans=spans,
        logs=logs,
        changes=case.changes,
        holes=(*case.holes, *holes),
        not_looked_at=case.not_looked_at,
        services=names.services.names,
        instances=names.instances.names,
        versions=names.versions.names,
        operations=names.operations.names,
    )


def read_table(path: Path, holes: list[str]) -> pa.Table | None:
    """A file of a capture; None when it is absent, or cannot be read, which is noted."""
    if not path.is_file():
        return None
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as e:
        raise ConfigError("captures need pyarrow: install steersman[capture]") from e
    try:
        return pq.read_table(path, read_dictionary=_few(pq.read_schema(path)))
    except (OSError, pa.ArrowException):
        holes.append(f"{path.name} of the capture cannot be read")
        return None


def _few(schema: pa.Schema) -> list[str]:
    """Columns of text with few distinct values: read as numbers from the start."""
    import pyarrow as pa

    def is_text(kind: pa.DataType) -> bool:
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

    return [field.name for field in schema if field.name in FEW and is_text(field.type)]


def _plain(table: pa.Table, column: str) -> pa.Array | None:
    """One column in one piece; None when it is absent or holds nothing."""
    import pyarrow as pa

    if column not in table.column_names or pa.types.is_null(table.schema.field(column).type):
        return None
    chunked = table[column].unify_dictionaries()
    return chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()


def codes(table: pa.Table, column: str, names: Vocabulary) -> Ints:
    """A column of names as numbers; NONE where there is none."""
    array = _plain(table, column)
    if array is None:
        return np.full(table.num_rows, NONE, np.int32)
    encoded = array if hasattr(array, "dictionary") else array.dictionary_encode()
    mapped = np.append(names.codes(encoded.dictionary.to_pylist()), NONE)
    places = encoded.indices.fill_null(len(mapped) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(mapped[places], np.int32)


def times(table: pa.Table, column: str) -> Floats:
    """A column of instants as Unix seconds."""
    import pyarrow as pa

    array = _plain(table, column)
    if array is None:
        return np.full(table.num_rows, np.nan)
    us = array.cast(pa.timestamp("us", tz=getattr(array.type, "tz", None)), safe=False).cast(pa.int64())
    return np.asarray(us.to_numpy(zero_copy_only=False), np.float64) / 1e6


def _numbers(table: pa.Table, column: str) -> Floats:
    array = _plain(table, column)
    if array is None:
        return np.full(table.num_rows, np.nan)
    return np.asarray(array.to_numpy(zero_copy_only=False), np.float64)


def _reference(table: pa.Table) -> Flags:
    """Only `reference` is read of the phase: that other rows are before or after is part of the label."""
    phases = Vocabulary(["reference"])
    return np.asarray(codes(table, "phase", phases) == 0, np.bool_)


def _metrics(table: pa.Table | None, names: _Names) -> Metrics:
    if table is None:
        return Metrics()
    metric_names = Vocabulary()
    metric = codes(table, "metric", metric_names)
    service = codes(table, "service", names.services)
    instance, peer = codes(table, "pod", names.instances), codes(table, "peer", names.services)
    time, value, reference = times(table, "timestamp"), _numbers(table, "value"), _reference(table)
    order = np.lexsort((time, peer, instance, service, metric))
    keys = np.stack([metric, service, instance, peer])[:, order]
    first = np.flatnonzero(np.any(np.diff(keys, axis=1, prepend=-2) != 0, axis=0)) if order.size else np.empty(0, int)
    return Metrics(
        name=tuple(metric_names.names[code] if code >= 0 else "" for code in keys[0, first]),
        service=keys[1, first],
        instance=keys[2, first],
        peer=keys[3, first],
        offsets=np.append(first, len(order)).astype(np.int64),
        time=time[order],
        value=value[order],
        reference=reference[order],
    )


def _spans(table: pa.Table | None, names: _Names) -> tuple[Spans, _Ids | None]:
    if table is None:
        return Spans(), None
    trace = codes(table, "trace_id", names.traces)
    status = Vocabulary()
    state = codes(table, "status", status)
    failed = np.array([is_failed(name) for name in status.names] + [-1], np.int8)
    index = _index(table, trace)
    spans = Spans(
        trace=trace,
        parent=index.rows(_plain(table, "parent_id"), trace) if index else np.full(table.num_rows, NONE, np.int32),
        service=codes(table, "service", names.services),
        instance=codes(table, "pod", names.instances),
        version=codes(table, "version", names.versions),
        operation=codes(table, "operation", names.operations),
        start=times(table, "start"),
        duration=_numbers(table, "duration_us") / 1e6,
        error=failed[state],
        reference=_reference(table),
    )
    return spans, index


def _index(table: pa.Table, trace: Ints) -> _Ids | None:
    array = _plain(table, "span_id")
    if array is None:
        return None
    encoded = array.dictionary_encode()
    span = encoded.indices.fill_null(NONE).to_numpy(zero_copy_only=False)
    return _Ids(known=encoded.dictionary, span=np.asarray(span, np.int32), trace=trace)


def is_failed(status: str) -> int:
    """1 failed, 0 fine, -1 not said. OpenTelemetry's words and HTTP status codes."""
    word = status.upper().removeprefix("STATUS_CODE_")
    if word in {"UNSET", ""}:
        return 0
    return int(word in {"ERROR", "FAILED", "2", "TRUE"} or (len(word) == len("500") and word.startswith("5")))


def _logs(table: pa.Table | None, names: _Names, ids: _Ids | None) -> Logs:
    if table is None:
        return Logs()
    levels = Vocabulary()
    level = codes(table, "level", levels)
    failed = np.array([name.upper() in FAILED_LEVELS for name in levels.names] + [False])
    text, offsets = _text(table)
    trace = codes(table, "trace_id", names.traces)
    return Logs(
        time=times(table, "timestamp"),
        service=codes(table, "service", names.services),
        instance=codes(table, "pod", names.instances),
        version=codes(table, "version", names.versions),
        failed=failed[level],
        trace=trace,
        span=ids.rows(_plain(table, "span_id"), trace) if ids else np.full(table.num_rows, NONE, np.int32),
        text=text,
        offsets=offsets,
        reference=_reference(table),
    )


def _text(table: pa.Table) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    import pyarrow as pa

    array = _plain(table, "message")
    if array is None:
        return np.empty(0, np.uint8), np.zeros(table.num_rows + 1, np.int64)
    array = array.cast(pa.large_binary()).fill_null(b"")
    _, raw_offsets, raw = array.buffers()
    offsets = np.frombuffer(raw_offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    text = np.frombuffer(raw, np.uint8) if raw is not None else np.empty(0, np.uint8)
    return text, offsets
