"""Requests that fail, and where failures begin: in the deepest failing span, whose own calls all went well."""

from __future__ import annotations

import numpy as np

from steersman.diagnosis.bundle import Bundle, Flags, Ints
from steersman.diagnosis.concentration import concentrate
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import surprise
from steersman.diagnosis.structure import Units, habits
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.traces import Shape
from steersman.diagnosis.versions import fresh

USUAL = 4.0
"""Largest standardised change of the share of failures in healthy systems."""
MIN_SHARE = 0.01
"""Growth of the share of failing requests below which nobody is paged."""


def troubled(bundle: Bundle, shape: Shape) -> Flags:
    """For each span: whether its service failed, or wrote an ERROR line, while it served that request."""
    bad = np.zeros(len(bundle.spans), bool)
    bad[shape.entry[bundle.spans.error == 1]] = True
    lines = bundle.logs.span[bundle.logs.failed & (bundle.logs.span >= 0)]
    bad[shape.entry[lines]] = True
    return bad[shape.entry] if len(bad) else bad


def origins(bundle: Bundle, shape: Shape) -> Flags:
    """Entries in which a failure began: something in them failed, and nothing that they called did."""
    spans = bundle.spans
    failed = spans.error == 1
    inside, below = np.zeros(len(spans), bool), np.zeros(len(spans), bool)
    inside[shape.entry[failed]] = True
    deeper = shape.crossing[failed[shape.crossing]]
    below[shape.entry[spans.parent[deeper]]] = True
    return inside & ~below


def detect(bundle: Bundle, shape: Shape) -> list[Symptom]:
    """One symptom for each service in which more failures begin than in healthy times.

    Requests of a version that came in with the incident are held against the other versions' at the same time, too.
    """
    spans, when = bundle.spans, period(bundle)
    if not (spans.error == 1).any():
        return []
    rows = np.flatnonzero(shape.entry == np.arange(len(spans))).astype(np.int32)
    incident = when.incident(spans.start, spans.reference)
    new = fresh(bundle)
    origin = origins(bundle, shape)
    best: dict[int, Symptom] = {}
    for before, after in ((when.healthy(spans.start, spans.reference), incident), (incident & ~new, new)):
        for symptom in _compared(bundle, rows, origin, before=before, after=after):
            if symptom.service not in best or symptom.score > best[symptom.service].score:
                best[symptom.service] = symptom
    return list(best.values())


def _compared(bundle: Bundle, rows: Ints, origin: Flags, *, before: Flags, after: Flags) -> list[Symptom]:
    spans = bundle.spans
    service = spans.service[rows].astype(np.int64)
    trace = spans.trace[rows].astype(np.int64)
    units = Units(stratum=service, kind=service, cluster=trace, healthy=before[rows], incident=after[rows])
    failing = np.flatnonzero(origin[rows])
    changed = habits(units, failing, np.zeros(len(failing), np.int64))
    incident = period(bundle).incident(spans.start[rows], spans.reference[rows])
    result = []
    for kind, z, change in zip(changed.kind.tolist(), changed.z.tolist(), changed.change.tolist(), strict=True):
        if change >= MIN_SHARE:
            here = incident & (service == kind)
            result.append(_symptom(bundle, rows[here], origin[rows[here]], service=kind, z=z, change=change))
    return result


def _symptom(bundle: Bundle, rows: Ints, bad: Flags, *, service: int, z: float, change: float) -> Symptom:
    spans = bundle.spans
    version = concentrate(spans.version[rows], bad)
    instance = concentrate(spans.instance[rows], bad)
    return Symptom(
        service=service,
        modality="errors",
        kind="error_bug",
        score=surprise(z, USUAL),
        text=f"{int(bad.sum())} of its {len(bad)} requests fail though all that they called went well.",
        value=f"{bad.mean():.4f} of requests, {change:+.4f}, z {z:+.1f}",
        query={"signal": "error_rate", "selector": {"service": bundle.services[service]}, "from": "spans"},
        version=version,
        instance=instance,
        onset=float(spans.start[rows][bad].min()) if bad.any() else float("nan"),
    )
