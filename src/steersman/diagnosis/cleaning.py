"""Telemetry as it comes, made fit for the detectors: rows that say nothing are left out, absent names get one name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from steersman.diagnosis.bundle import NONE, Bundle, Flags, Ints, Logs, Spans

NAMELESS = ""
"""Stands for an absent name of a service or operation; never the answer."""


def clean(bundle: Bundle) -> Bundle:
    """The same without spans that have no time, and with every row's service and operation named. Idempotent."""
    spans = bundle.spans
    good = np.isfinite(spans.start) & np.isfinite(spans.duration) & (spans.duration >= 0)
    whole = bool(good.all()) and min(_least(spans.service), _least(spans.operation), _least(bundle.logs.service)) >= 0
    if whole:
        return bundle
    place = np.append(np.where(good, np.cumsum(good) - 1, NONE), NONE).astype(np.int32)
    services, operations = (*bundle.services, NAMELESS), (*bundle.operations, NAMELESS)
    return replace(
        bundle,
        services=services,
        operations=operations,
        spans=_spans(spans, good, place, (len(services) - 1, len(operations) - 1)),
        logs=_logs(bundle.logs, place, len(services) - 1),
    )


def _least(codes: Ints) -> int:
    return int(codes.min(initial=0))


def _named(codes: Ints, nameless: int) -> Ints:
    return np.where(codes < 0, nameless, codes).astype(np.int32)


def _spans(spans: Spans, good: Flags, place: Ints, nameless: tuple[int, int]) -> Spans:
    return Spans(
        trace=spans.trace[good],
        parent=place[spans.parent[good]],
        service=_named(spans.service[good], nameless[0]),
        instance=spans.instance[good],
        version=spans.version[good],
        operation=_named(spans.operation[good], nameless[1]),
        start=spans.start[good],
        duration=spans.duration[good],
        error=spans.error[good],
        reference=spans.reference[good],
    )


def _logs(logs: Logs, place: Ints, nameless: int) -> Logs:
    return replace(logs, service=_named(logs.service, nameless), span=place[logs.span])
