"""Which lines a service writes for a request: templates that are new, gone, or written more often than they were.

Lines with a span are compared request by request, on the same call path. Lines without one are compared by rate.
"""

from __future__ import annotations

import numpy as np

from steersman.diagnosis.bundle import Bundle, Flags
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import Keys, dense, surprise
from steersman.diagnosis.structure import USUAL, Units, habits, worth_telling
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.templates import Templates
from steersman.diagnosis.traces import Shape

USUAL_LOUD = 3.0
"""Largest standardised growth of an ERROR line in healthy systems; who writes one means it."""
USUAL_RATE = 8.0
"""Largest standardised change of a template's rate in healthy systems: lines come in bursts."""


def detect(bundle: Bundle, shape: Shape, trouble: Flags, found: Templates) -> list[Symptom]:
    """The strongest change of each service's lines. found: the templates of the lines."""
    if not len(bundle.logs):
        return []
    traced = bundle.logs.span >= 0
    return _by_request(bundle, shape, found, trouble) + _by_rate(bundle, found, ~traced)


def _by_request(bundle: Bundle, shape: Shape, found: Templates, trouble: Flags) -> list[Symptom]:
    spans, logs, when = bundle.spans, bundle.logs, period(bundle)
    rows = np.flatnonzero(shape.entry == np.arange(len(spans)))
    unit_of = np.full(len(spans) + 1, -1, np.int64)
    unit_of[rows] = np.arange(len(rows))
    lines = np.flatnonzero(logs.span >= 0)
    if not len(lines):
        return []
    entry = shape.entry[logs.span[lines]]
    mine = spans.service[entry] == logs.service[lines]
    lines, entry = lines[mine], entry[mine]
    units = Units(
        stratum=shape.path[rows],
        kind=spans.service[rows].astype(np.int64),
        cluster=spans.trace[rows].astype(np.int64),
        healthy=when.healthy(spans.start[rows], spans.reference[rows]),
        incident=when.incident(spans.start[rows], spans.reference[rows]),
    )
    changed = habits(units, unit_of[entry], found.of_line[lines])
    strong = worth_telling(changed, units, unit_of[entry], found.of_line[lines], trouble=trouble[rows])
    result = []
    for service in np.unique(changed.kind[strong]):
        own = strong[changed.kind[strong] == service]
        loud = np.isin(changed.item[own], np.unique(found.of_line[lines[logs.failed[lines]]])) & (
            changed.change[own] > 0
        )
        scores = [surprise(abs(z), USUAL_LOUD if bad else USUAL) for z, bad in zip(changed.z[own], loud, strict=True)]
        worst = int(own[int(np.argmax(scores))])
        change = float(changed.change[worst])
        lines_of_it = (found.of_line[lines] == changed.item[worst]) & (logs.service[lines] == service)
        share = f"{abs(change):.0%} {'fewer' if change < 0 else 'more'} of its requests on the same call path"
        value = f"{change:+.3f} of requests, z {changed.z[worst]:+.1f}"
        result.append(_symptom(bundle, int(service), max(scores), share, value, lines[lines_of_it]))
    return result


def _by_rate(bundle: Bundle, found: Templates, untraced: Flags) -> list[Symptom]:
    logs, when = bundle.logs, period(bundle)
    incident = when.incident(logs.time, logs.reference) & untraced
    healthy = when.healthy(logs.time, logs.reference) & untraced
    wide = len(found.example) + 1
    keys, group = dense(logs.service.astype(np.int64) * wide + found.of_line)
    before, after = (np.bincount(group[mask], minlength=len(keys)) for mask in (healthy, incident))
    result = []
    for service in np.unique(keys // wide):
        mine = np.flatnonzero((keys // wide == service) & (before + after > 0))
        lines = before[mine].sum(), after[mine].sum()
        if min(lines) == 0:
            continue
        expected = before[mine] * lines[1] / lines[0]
        z = (after[mine] - expected) / np.sqrt((expected + 1) * (1 + lines[1] / lines[0]))
        worst = int(np.argmax(np.abs(z)))
        example = np.flatnonzero((group == mine[worst]) & untraced)
        share = f"{after[mine][worst]} times instead of about {expected[worst]:.0f}, measured on all of its lines,"
        value = f"{after[mine][worst]} lines, expected {expected[worst]:.1f}, z {z[worst]:+.1f}"
        result.append(_symptom(bundle, int(service), surprise(abs(float(z[worst])), USUAL_RATE), share, value, example))
    return result


def _symptom(bundle: Bundle, service: int, score: float, share: str, value: str, lines: Keys) -> Symptom:
    logs = bundle.logs
    row = _example(bundle, lines)
    failed = bool(logs.failed[row])
    return Symptom(
        service=service,
        modality="logs",
        kind="error_bug",
        score=score,
        text=f"{share} write one kind of {'ERROR ' if failed else ''}line.",
        value=value,
        query={"signal": "log_template", "selector": {"service": bundle.services[service]}, "from": "logs"},
        excerpt=logs.line(row),
    )


def _example(bundle: Bundle, rows: Keys) -> int:
    """The line that is shown: an ERROR before others, of the incident before healthy ones, then the first."""
    logs = bundle.logs
    for better in (logs.failed, ~logs.reference):
        rows = rows[better[rows]] if better[rows].any() else rows
    first = rows[logs.time[rows] == logs.time[rows].min()]
    rows = first if len(first) else rows
    return int(min(rows.tolist(), key=logs.line))
