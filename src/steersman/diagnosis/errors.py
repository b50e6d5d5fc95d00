"""Requests that fail, and where failures begin: in the deepest failing span, whose own calls all went well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from steersman.diagnosis.bundle import Bundle, Flags, Ints
from steersman.diagnosis.concentration import concentrate
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import Keys, dense, surprise
from steersman.diagnosis.structure import Units, habits
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.traces import Shape
from steersman.diagnosis.versions import fresh
from steersman.diagnosis.waiting import waited
from steersman.domain.finding import FaultKind

USUAL = 4.0
"""Largest standardised change of the share of failures in healthy systems."""
AWAY = 0.1
"""Share of each caller's calls that nobody answers, from which the callee is away."""
MIN_CALLS = 4
"""Calls from which a caller's share says something."""
GIVEN_UP: FaultKind = "dependency_timeout"
MIN_SHARE = 0.01
"""Growth of the share of failing requests below which nobody is paged."""


def troubled(bundle: Bundle, shape: Shape) -> Flags:
    """For each span: whether its service failed, or wrote an ERROR line, while it served that request."""
    bad = np.zeros(len(bundle.spans), bool)
    bad[shape.entry[bundle.spans.error == 1]] = True
    lines = bundle.logs.span[bundle.logs.failed & (bundle.logs.span >= 0)]
    bad[shape.entry[lines]] = True
    return bad[shape.entry] if len(bad) else bad


def unanswered(bundle: Bundle, shape: Shape) -> Flags:
    """Failed calls of a service whose own span is missing, when it was not there for any of its callers.

    If it answers others, the caller did not wait for it.
    """
    spans = bundle.spans
    calls = (shape.expected >= 0) & period(bundle).incident(spans.start, spans.reference)
    lost = calls & (spans.error == 1) & (shape.callee < 0)
    if not lost.any():
        return np.asarray(lost, np.bool_)
    wide = len(bundle.services) + 1
    pairs, pair = dense(spans.service[calls].astype(np.int64) * wide + shape.expected[calls])
    share = np.bincount(pair, weights=lost[calls]) / np.bincount(pair)
    seen = np.bincount(pair) >= MIN_CALLS
    away = np.ones(wide, bool)
    away[(pairs % wide)[seen & (share < AWAY)]] = False
    return np.asarray(lost & away[shape.expected], np.bool_)


def origins(bundle: Bundle, shape: Shape) -> Flags:
    """Entries in which a failure began: something in them failed, and nothing that they called did."""
    spans = bundle.spans
    failed = spans.error == 1
    inside, below = np.zeros(len(spans), bool), np.zeros(len(spans), bool)
    inside[shape.entry[failed]] = True
    deeper = shape.crossing[failed[shape.crossing]]
    below[shape.entry[spans.parent[deeper]]] = True
    below[shape.entry[unanswered(bundle, shape)]] = True
    return inside & ~below


def detect(bundle: Bundle, shape: Shape) -> list[Symptom]:
    """One symptom for each service in which more failures begin than in healthy times.

    Requests of a version that came in with the incident are held against the other versions' at the same time, too.
    """
    spans, when = bundle.spans, period(bundle)
    if not (spans.error == 1).any():
        return []
    lost = unanswered(bundle, shape)
    rows = np.flatnonzero((shape.entry == np.arange(len(spans))) | lost).astype(np.int32)
    served = np.where(lost, shape.expected, spans.service)
    incident = when.incident(spans.start, spans.reference)
    new = fresh(bundle)
    origin = origins(bundle, shape) | lost
    best: dict[int, Symptom] = {}
    asked = _Asked(rows=rows, service=served[rows].astype(np.int64), origin=origin[rows], entry=shape.entry)
    for before, after in ((when.healthy(spans.start, spans.reference), incident), (incident & ~new, new)):
        for symptom in _compared(bundle, asked, before=before, after=after):
            if symptom.service not in best or symptom.score > best[symptom.service].score:
                best[symptom.service] = symptom
    return list(best.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Requests, and calls that nobody answered."""

    rows: Ints
    service: Keys
    """Who was asked, of each row."""
    origin: Flags
    """Whether a failure began there, of each row."""
    entry: Ints
    """Of each span of the bundle."""


def _compared(bundle: Bundle, asked: _Asked, *, before: Flags, after: Flags) -> list[Symptom]:
    spans, rows, service = bundle.spans, asked.rows, asked.service
    trace = spans.trace[rows].astype(np.int64)
    units = Units(stratum=service, kind=service, cluster=trace, healthy=before[rows], incident=after[rows])
    failing = np.flatnonzero(asked.origin)
    changed = habits(units, failing, np.zeros(len(failing), np.int64))
    incident = period(bundle).incident(spans.start[rows], spans.reference[rows])
    result = []
    for kind, z, change in zip(changed.kind.tolist(), changed.z.tolist(), changed.change.tolist(), strict=True):
        if change >= MIN_SHARE:
            mine = service == kind
            here = np.flatnonzero(incident & mine)
            how = waited(bundle, asked.entry, rows[here[asked.origin[here]]], spans.duration[rows[mine & before[rows]]])
            symptom = _symptom(bundle, rows[here], asked.origin[here], (kind, z, change))
            result.append(replace(symptom, quick=how.quick, kind=GIVEN_UP if how.given_up else symptom.kind))
    return result


def _symptom(bundle: Bundle, rows: Ints, bad: Flags, figures: tuple[int, float, float]) -> Symptom:
    """figures: service, z, and growth of the share of failures."""
    service, z, change = figures
    spans = bundle.spans
    own = spans.service[rows] == service  # a call that nobody answered says nothing of versions
    version = concentrate(spans.version[rows][own], bad[own])
    instance = concentrate(spans.instance[rows][own], bad[own])
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
