"""What services do for a request, call path by call path: which calls they make, which steps they take.

A change that remains when requests which came in the same way are compared is the service's own; a mere change of the
mix of requests is not one. Where a caller stops early, the callee that it heard last is held responsible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steersman.diagnosis.bundle import NONE, Bundle, Flags, Floats, Ints
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import Keys, dense, stratified, surprise
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.traces import Shape
from steersman.domain.finding import FaultKind

USUAL = 4.0
"""Largest standardised change of a habit in healthy systems."""
MIN_CHANGE = 0.25
"""Change of the share of requests below which a habit is taken as kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Things that have habits (spans, requests), one row each."""

    stratum: Keys
    """Units that came in the same way."""
    kind: Keys
    """Units of one kind may stand in several strata; every stratum has one kind."""
    cluster: Keys
    """Trace: units of one trace are alike, the test counts each trace once."""
    healthy: Flags
    incident: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """Each (kind, item) that was seen, and how its share changed."""

    kind: Keys
    item: Keys
    z: Floats
    change: Floats
    """Share of units in the incident less that in healthy times, within strata."""


def habits(units: Units, unit: Keys, item: Keys) -> Habits:
    """Tests each item of each kind of unit. unit, item: one row for each thing done."""
    if not len(unit):
        return Habits(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))
    values, place = dense(units.stratum)
    kind_of = np.zeros(len(values), np.int64)
    kind_of[place] = units.kind
    wide = int(item.max(initial=0)) + 1
    did = np.unique(unit * wide + item)
    did_unit = did // wide
    pairs, pair = dense(place[did_unit] * wide + did % wide)
    stratum = pairs // wide
    groups, group = dense(kind_of[stratum] * wide + pairs % wide)
    present, total = [], []
    for mask in (units.healthy, units.incident):
        count = np.bincount(place[mask], minlength=len(values)).astype(float)
        alike = _distinct(place[mask], units.cluster[mask], len(values)) / np.maximum(count, 1)
        present.append(np.bincount(pair[mask[did_unit]], minlength=len(pairs)) * alike[stratum])
        total.append((count * alike)[stratum])
    z, change = stratified((present[0], present[1]), (total[0], total[1]), group, len(groups))
    return Habits(kind=groups // wide, item=groups % wide, z=z, change=change)


def _distinct(group: Keys, member: Keys, count: int) -> Floats:
    wide = int(member.max(initial=0)) + 2
    return np.bincount(np.unique(group * wide + member + 1) // wide, minlength=count).astype(float)


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Children of spans, as units and items."""

    units: Units
    rows: Ints
    """Row of each unit's span."""
    unit: Keys
    child: Ints
    """Row of each child."""
    item: Keys


def worth_telling(found: Habits, units: Units, unit: Keys, item: Keys, *, trouble: Flags) -> Keys:
    """Which changes are symptoms.

    That what belongs to failing requests is gone is recovery, not a fault: a step that only they took, or a lack of
    the steps that they did not reach.

    unit, item: one row for each thing done. trouble: for each unit, whether it failed.
    """
    count = int(max(item.max(initial=-1), found.item.max(initial=-1))) + 1
    groups = int(units.kind.max(initial=-1)) + 1
    did = np.unique(unit * count + item)
    did = did[units.healthy[did // count]]
    key, place = dense(units.kind[did // count] * count + did % count)
    at = np.searchsorted(key, found.kind * count + found.item).clip(max=max(len(key) - 1, 0))
    known = (key[at] == found.kind * count + found.item) if len(key) else np.zeros(len(at), bool)
    with_item = np.where(known, np.bincount(place, minlength=1)[at] if len(key) else 0, 0)
    bad_with = np.where(known, np.bincount(place, weights=trouble[did // count], minlength=1)[at] if len(key) else 0, 0)
    everyone = np.bincount(units.kind[units.healthy], minlength=groups)[found.kind]
    bad = np.bincount(units.kind[units.healthy & trouble], minlength=groups)[found.kind]
    without, bad_without = everyone - with_item, bad - bad_with
    recovery = np.where(
        found.change < 0, 2 * bad_with >= np.maximum(with_item, 1), 2 * bad_without >= np.maximum(without, 1)
    )
    return np.flatnonzero((np.abs(found.change) >= MIN_CHANGE) & (np.abs(found.z) > 1) & ~recovery)


def detect(bundle: Bundle, shape: Shape, trouble: Flags) -> list[Symptom]:
    """The strongest change of each service's steps, and the blame that it carries on.

    trouble: spans of requests that failed in their service.
    """
    steps = _steps(bundle, shape)
    found = habits(steps.units, steps.unit, steps.item)
    wide = len(bundle.operations) + 1
    strong = worth_telling(found, steps.units, steps.unit, steps.item, trouble=trouble[steps.rows])
    symptoms = []
    for service in np.unique(found.kind[strong] // wide):
        mine = strong[found.kind[strong] // wide == service]
        worst = int(mine[np.argmax(np.abs(found.z[mine]))])
        symptoms.append(_symptom(bundle, shape, steps, found, worst))
    return symptoms


def _steps(bundle: Bundle, shape: Shape) -> _Steps:
    spans, when = bundle.spans, period(bundle)
    child = np.flatnonzero(spans.parent >= 0).astype(np.int32)
    child = child[shape.callee[spans.parent[child]] < 0]
    wide = len(bundle.operations) + 1
    kind = spans.service.astype(np.int64) * wide + spans.operation
    _, stratum = dense(shape.path * (int(kind.max(initial=0)) + 1) + kind)
    ever = np.zeros(int(stratum.max(initial=0)) + 1, bool)
    ever[stratum[spans.parent[child]]] = True
    rows = np.flatnonzero(ever[stratum] & (shape.callee < 0)).astype(np.int32)
    unit_of = np.full(len(spans), NONE, np.int64)
    unit_of[rows] = np.arange(len(rows))
    callee = shape.callee[child].astype(np.int64) + 1
    _, item = dense(callee * (int(kind.max(initial=0)) + 1) + kind[child])
    units = Units(
        stratum=stratum[rows],
        kind=kind[rows],
        cluster=spans.trace[rows].astype(np.int64),
        healthy=when.healthy(spans.start[rows], spans.reference[rows]),
        incident=when.incident(spans.start[rows], spans.reference[rows]),
    )
    return _Steps(units=units, rows=rows, unit=unit_of[spans.parent[child]], child=child, item=item)


def _symptom(bundle: Bundle, shape: Shape, steps: _Steps, found: Habits, worst: int) -> Symptom:
    spans = bundle.spans
    wide = len(bundle.operations) + 1
    service = int(found.kind[worst] // wide)
    z, change = float(found.z[worst]), float(found.change[worst])
    example = int(steps.child[np.flatnonzero(steps.item == found.item[worst])[0]])
    blamed = (
        _last_heard(bundle, shape, steps, int(found.kind[worst]), int(found.item[worst])) if change < 0 else int(NONE)
    )
    kind: FaultKind = "wrong_result" if blamed >= 0 else "error_bug"
    share = f"{abs(change):.0%} {'fewer' if change < 0 else 'more'} of its requests take one of its steps"
    heard = "; its callers stop right after its answer" if blamed >= 0 else ""
    return Symptom(
        service=blamed if blamed >= 0 else service,
        modality="structure",
        kind=kind,
        score=surprise(abs(z), USUAL),
        text=f"On the same call path, {share}{heard}." if blamed < 0 else "Its callers stop right after its answer.",
        value=f"{change:+.3f} of requests, z {z:+.1f}",
        query={"signal": "steps", "selector": {"service": bundle.services[service]}, "from": "spans"},
        excerpt=bundle.operations[spans.operation[example]] if spans.operation[example] >= 0 else "",
        blamed_from=service if blamed >= 0 else int(NONE),
    )


def _last_heard(bundle: Bundle, shape: Shape, steps: _Steps, kind: int, lost: int) -> int:
    """The service whose answer comes last in units that stop before the lost step; NONE when it is no other service."""
    spans = bundle.spans
    has = np.zeros(len(steps.rows), bool)
    has[steps.unit[steps.item == lost]] = True
    order = np.lexsort((spans.start[steps.child], steps.unit))
    last = order[np.append(np.diff(steps.unit[order]) != 0, True)] if len(order) else order
    last = last[steps.units.kind[steps.unit[last]] == kind]
    unit = steps.unit[last]
    stopped = last[steps.units.incident[unit] & ~has[unit]]
    usual = last[steps.units.healthy[unit]]
    if not len(stopped):
        return int(NONE)
    count = int(steps.item.max()) + 1
    rise = np.bincount(steps.item[stopped], minlength=count) / len(stopped)
    if len(usual):
        rise = rise - np.bincount(steps.item[usual], minlength=count) / len(usual)
    top = int(np.argmax(rise))
    example = steps.child[np.flatnonzero(steps.item == top)[0]]
    return int(shape.callee[example])
