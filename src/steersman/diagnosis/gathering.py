"""From facts, as live sources give them, to columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from steersman.diagnosis.bundle import NONE, Bundle, Ints, Logs, Metrics, Spans, Vocabulary
from steersman.domain.finding import Breach
from steersman.domain.signal import Change, LogRecord, Series, Span, Window

FAILED_LEVELS = frozenset({"ERROR", "FATAL", "CRITICAL", "SEVERE", "ALERT", "EMERGENCY", "PANIC"})
"""Log levels, upper case, that mean that something went wrong."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What sources answered. `healthy` rows lie in the baseline window, `suspect` ones in the window in question."""

    series: Sequence[Series] = ()
    healthy_spans: Sequence[Span] = ()
    suspect_spans: Sequence[Span] = ()
    healthy_logs: Sequence[LogRecord] = ()
    suspect_logs: Sequence[LogRecord] = ()
    changes: tuple[Change, ...] = ()
    breaches: tuple[Breach, ...] = ()
    holes: tuple[str, ...] = ()
    not_looked_at: tuple[str, ...] = ()
    """What nothing in the environment measures or keeps."""
    edges: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Names:
    """Codes of names, given as they come."""

    services: Vocabulary = field(default_factory=Vocabulary)
    instances: Vocabulary = field(default_factory=Vocabulary)
    versions: Vocabulary = field(default_factory=Vocabulary)
    operations: Vocabulary = field(default_factory=Vocabulary)
    traces: Vocabulary = field(default_factory=Vocabulary)


def bundle_of(gathered: Gathered, window: Window, *, alert: float | None = None, suspect: str = "") -> Bundle:
    """Columns of what was gathered. Points of series before the window are reference.

    suspect: the service that was asked about.
    """
    names, start = _Names(), window.start.timestamp()
    spans, rows = _spans(gathered, names)
    logs = _logs(gathered, names, rows)
    metrics = _metrics(gathered.series, names.services, names.instances, start)
    services = names.services
    for breach in gathered.breaches:
        services.code(breach.service)
        names.versions.code(breach.version)
        names.instances.code(breach.instance)
    edges = frozenset((services.code(a), services.code(b)) for a, b in gathered.edges)
    return Bundle(
        start=start,
        end=window.end.timestamp(),
        alert=alert,
        services=(*services.names, suspect) if suspect and suspect not in services.names else services.names,
        instances=names.instances.names,
        versions=names.versions.names,
        operations=names.operations.names,
        edges=edges,
        suspect=services.code(suspect) if suspect else None,
        metrics=metrics,
        spans=spans,
        logs=logs,
        changes=gathered.changes,
        breaches=gathered.breaches,
        alert_metric=next((breach.signal for breach in gathered.breaches), ""),
        holes=gathered.holes,
        not_looked_at=gathered.not_looked_at,
    )


def _spans(gathered: Gathered, names: _Names) -> tuple[Spans, dict[tuple[int, str], int]]:
    """The spans, and their rows by trace and id."""
    spans = [*gathered.healthy_spans, *gathered.suspect_spans]
    trace = names.traces.codes([span.trace_id for span in spans])
    rows = {(code, span.span_id): row for row, (code, span) in enumerate(zip(trace.tolist(), spans, strict=True))}
    columns = Spans(
        trace=trace,
        parent=_rows(rows, trace, [span.parent_id for span in spans]),
        service=names.services.codes([span.service for span in spans]),
        instance=names.instances.codes([span.instance for span in spans]),
        version=names.versions.codes([span.version for span in spans]),
        operation=names.operations.codes([span.operation for span in spans]),
        start=np.array([span.start.timestamp() for span in spans], np.float64),
        duration=np.array([span.duration_s for span in spans], np.float64),
        error=np.array([-1 if span.error is None else int(span.error) for span in spans], np.int8),
        reference=np.arange(len(spans)) < len(gathered.healthy_spans),
    )
    return columns, rows


def _logs(gathered: Gathered, names: _Names, rows: dict[tuple[int, str], int]) -> Logs:
    lines = [*gathered.healthy_logs, *gathered.suspect_logs]
    trace = names.traces.codes([line.trace_id for line in lines])
    texts = [line.message.encode() for line in lines]
    return Logs(
        time=np.array([line.at.timestamp() for line in lines], np.float64),
        service=names.services.codes([line.service for line in lines]),
        instance=names.instances.codes([line.instance for line in lines]),
        version=names.versions.codes([line.version for line in lines]),
        failed=np.array([line.level.upper() in FAILED_LEVELS for line in lines], np.bool_),
        trace=trace,
        span=_rows(rows, trace, [line.span_id for line in lines]),
        text=np.frombuffer(b"".join(texts), np.uint8),
        offsets=np.concatenate([[0], np.cumsum([len(text) for text in texts], dtype=np.int64)]).astype(np.int64),
        reference=np.arange(len(lines)) < len(gathered.healthy_logs),
    )


def _rows(rows: dict[tuple[int, str], int], trace: Ints, span_ids: Iterable[str]) -> Ints:
    found = (rows.get((code, span_id), int(NONE)) for code, span_id in zip(trace.tolist(), span_ids, strict=True))
    return np.fromiter(found, np.int32, len(trace))


def _metrics(series: Sequence[Series], services: Vocabulary, instances: Vocabulary, start: float) -> Metrics:
    known = [one for one in series if one.times and one.selector.service]
    times = np.concatenate([np.empty(0), *(np.array(one.times, np.float64) for one in known)])
    return Metrics(
        name=tuple(one.signal for one in known),
        service=services.codes([one.selector.service for one in known]),
        instance=instances.codes([one.selector.instance for one in known]),
        peer=np.full(len(known), NONE, np.int32),
        offsets=np.concatenate([[0], np.cumsum([len(one.times) for one in known], dtype=np.int64)]).astype(np.int64),
        time=times,
        value=np.concatenate([np.empty(0), *(np.array(one.values, np.float64) for one in known)]),
        reference=times < start,
    )
