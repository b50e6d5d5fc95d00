"""Where requests lose time: in a service's own spans, or between a caller's span and its callee's.

A gap belongs to two services. The one whose other gaps grew as well is held responsible: a starved caller delays all of
its calls, a slow network all calls to (and from) the service behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steersman.diagnosis.bundle import NONE, Bundle, Flags, Floats, Ints
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import Keys, dense, quantiles, surprise, trust, without
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.traces import Shape
from steersman.domain.finding import FaultKind

MIN_SPANS = 4
"""Spans in each period below which a group says nothing."""
USUAL_RATIO = 1.0
"""Time lost, over what is usual for the call, that healthy systems show at most."""
HALF_TRUST = 3.0
"""Spans of the incident at which a loss counts half."""
CONFIDENCE = 2.33
"""Standard deviations by which quartiles are moved towards "nothing has changed": few spans prove little."""
FLOOR_S = 0.01
"""Time that no user notices, and that schedulers lose any day."""


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """Time of groups of spans, healthy against incident."""

    keys: Keys
    lost_s: Floats
    """Growth of the upper quartile."""
    usual_s: Floats
    """Upper quartile in healthy times, plus its distance to the 95th percentile."""
    spans: Floats
    """Spans of the incident behind it."""


def shifts(time_s: Floats, keys: Keys, calm: tuple[Flags, ...], incident: Flags) -> Shift:
    """Growth of each group that was seen often enough, against the calmest of the healthy stretches.

    calm: healthy rows by stretch (reference, before the onset): an earlier fault may lie in one of them.
    """
    values, group = dense(keys)
    n = len(values)
    after = quantiles(time_s[incident], group[incident], n, q=0.75, deviations=-CONFIDENCE)
    seen = np.bincount(group[incident], minlength=n)
    before, tail = np.full(n, np.inf), np.full(n, np.inf)
    for mask in calm:
        enough = np.bincount(group[mask], minlength=n) >= MIN_SPANS
        level = np.where(enough, quantiles(time_s[mask], group[mask], n, q=0.75, deviations=CONFIDENCE), np.inf)
        high = quantiles(time_s[mask], group[mask], n, q=0.95)
        tail = np.where(level < before, high, tail)
        before = np.minimum(before, level)
    kept = np.isfinite(before) & (seen >= MIN_SPANS)
    return Shift(
        keys=values[kept],
        lost_s=(after - before)[kept],
        usual_s=tail[kept],
        spans=seen[kept].astype(np.float64),
    )


def detect(bundle: Bundle, shape: Shape) -> list[Symptom]:
    """One symptom for each service that loses time, or between which and its neighbours time is lost."""
    spans, when = bundle.spans, period(bundle)
    incident = when.incident(spans.start, spans.reference)
    calm = when.calm(spans.start, spans.reference)
    inside = _inside(bundle, shape, calm, incident)
    between = _between(bundle, shape, calm, incident)
    seen = sorted({int(service) for service in np.unique(spans.service[incident])} - {int(NONE)})
    losses = [(inside.get(service, NOTHING), between.get(service, NOTHING)) for service in seen]
    ordered = np.sort([_ratio(own, gap) for own, gap in losses])
    found = []
    for service, (own, gap) in zip(seen, losses, strict=True):
        # What every service loses, the machine or the load takes from all of them.
        apart = _ratio(own, gap) - without(ordered, _ratio(own, gap))
        if own.lost_s + gap.lost_s > FLOOR_S / 2 and apart > 0:
            found.append(_symptom(bundle, service, own, gap, apart=apart))
    return found


@dataclass(frozen=True, slots=True)
class _Loss:
    lost_s: float
    usual_s: float
    spans: float = 0.0
    neighbours: int = 0
    """Services that it calls, all of which answer later than before."""


NOTHING = _Loss(0.0, FLOOR_S)


def _inside(bundle: Bundle, shape: Shape, calm: tuple[Flags, ...], incident: Flags) -> dict[int, _Loss]:
    """Per service: growth of the time that its own code takes for one request."""
    spans = bundle.spans
    total = np.asarray(np.bincount(shape.entry, weights=shape.own_s, minlength=len(spans)), np.float64)
    rows = np.flatnonzero(shape.entry == np.arange(len(spans)))
    wide = len(bundle.operations) + 1
    keys = spans.service[rows].astype(np.int64) * wide + spans.operation[rows]
    shift = shifts(total[rows], keys, tuple(mask[rows] for mask in calm), incident[rows])
    result = {}
    for service in np.unique(shift.keys // wide):
        mine = shift.keys // wide == service
        weight = shift.spans[mine]
        lost = max(float(np.average(shift.lost_s[mine], weights=weight)), 0.0)
        usual = float(np.average(shift.usual_s[mine], weights=weight))
        result[int(service)] = _Loss(lost, usual, spans=float(weight.sum()))
    return result


def _between(bundle: Bundle, shape: Shape, calm: tuple[Flags, ...], incident: Flags) -> dict[int, _Loss]:
    """Per service: time lost on its calls, less what another service explains better."""
    spans, rows = bundle.spans, shape.crossing
    above = spans.parent[rows]
    gap = np.maximum(spans.duration[above] - spans.duration[rows], 0.0)
    wide = len(bundle.services) + 1
    keys = spans.service[above].astype(np.int64) * wide + spans.service[rows]
    shift = shifts(gap, keys, tuple(mask[rows] for mask in calm), incident[rows])
    caller, callee = (shift.keys // wide).astype(np.int32), (shift.keys % wide).astype(np.int32)
    lost, weight = np.maximum(shift.lost_s, 0.0), np.sqrt(shift.spans)
    total = float((lost * weight).sum())
    result: dict[int, _Loss] = {}
    while total > 0 and float(lost.max()) > FLOOR_S / 2:
        blames = {
            int(s): _blame(int(s), caller, callee, lost)
            for s in np.unique(np.append(caller, callee))
            if s not in result
        }
        if not blames:
            break
        share = {
            s: float((np.minimum(lost, blame) * weight)[touching].sum()) / total
            for s, (blame, touching, _) in blames.items()
        }
        best = max(blames, key=lambda s: (blames[s][0] * np.sqrt(share[s]), -s))
        blame, touching, outward = blames[best]
        if blame <= FLOOR_S / 2:
            break
        usual = float(np.average(shift.usual_s[touching], weights=weight[touching]))
        seen = float(shift.spans[touching].sum())
        result[best] = _Loss(blame * float(np.sqrt(share[best])), usual, spans=seen, neighbours=outward)
        lost = np.where(touching, np.maximum(lost - blame, 0.0), lost)
    return result


def _blame(service: int, caller: Ints, callee: Ints, lost: Floats) -> tuple[float, Flags, int]:
    """Seconds that one service explains on each of its calls, which calls those are, and how many go out."""
    into, out = callee == service, caller == service
    both = _lower_median(lost[into | out]), into | out
    inward = _lower_median(lost[into]), into
    outward = (_lower_median(lost[out]) if out.sum() > 1 else 0.0), out
    blame, touching = max(both, inward, outward, key=lambda pair: pair[0])
    return blame, touching, int(out.sum()) if outward[0] >= blame / 2 > 0 else 0


def _lower_median(values: Floats) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2]) if len(values) else 0.0


def _usual(own: _Loss, gap: _Loss) -> float:
    return max(own.usual_s if own.lost_s >= gap.lost_s else gap.usual_s, FLOOR_S)


def _ratio(own: _Loss, gap: _Loss) -> float:
    return (own.lost_s + gap.lost_s) / _usual(own, gap)


def _symptom(bundle: Bundle, service: int, own: _Loss, gap: _Loss, *, apart: float) -> Symptom:
    inside = own.lost_s >= gap.lost_s
    kind: FaultKind = "latency_regression" if inside else "network_delay"
    if min(own.lost_s, gap.lost_s) > FLOOR_S or gap.neighbours:  # even code that only waits is late: starved
        kind = "cpu_burn"
    where = "in its own code" if inside else "between its spans and those of its neighbours"
    lost, usual = own.lost_s + gap.lost_s, _usual(own, gap)
    return Symptom(
        service=service,
        modality="latency",
        kind=kind,
        score=surprise(apart, USUAL_RATIO) * trust((own if inside else gap).spans, HALF_TRUST),
        text=f"Each call loses {lost * 1e3:.0f} ms, most of it {where} (usual up to {usual * 1e3:.0f} ms).",
        value=f"+{own.lost_s:.4f} s own, +{gap.lost_s:.4f} s between, per call",
        query={"signal": "latency_p75", "selector": {"service": bundle.services[service]}, "from": "spans"},
    )
