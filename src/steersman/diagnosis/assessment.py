"""All detectors on one bundle, and the suspects that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from steersman.diagnosis import errors, latency, logs, repetition, series, structure, told
from steersman.diagnosis.bundle import Bundle, Flags, Floats
from steersman.diagnosis.changes import passed_on
from steersman.diagnosis.cleaning import clean
from steersman.diagnosis.graph import callees, calls
from steersman.diagnosis.period import LEAD_S, period
from steersman.diagnosis.ranking import Suspect, rank
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.templates import Templates, templates
from steersman.diagnosis.traces import Shape, shape

SHORTEST_S = 120.0
"""Length of the shortest incident that is searched for."""
CLEARLY = 0.05
"""Gain of score that makes a shorter incident the better account."""
MIN_ROWS = 4
"""Rows in each period without which a modality says nothing."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Every suspect with its score, also those too weak to be named."""

    suspects: tuple[Suspect, ...]
    symptoms: tuple[Symptom, ...]
    depends: Mapping[int, frozenset[int]]
    """For each service, all services that it relies on."""
    looked_at: tuple[str, ...]
    """Modalities with rows in both periods: what the assessment rests on."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What does not depend on when the incident began."""

    form: Shape
    trouble: Flags
    templates: Templates


def prepare(bundle: Bundle) -> Prepared:
    """The costly part of an assessment, done once when several onsets are tried."""
    bundle = clean(bundle)
    form = shape(bundle.spans)
    return Prepared(form=form, trouble=errors.troubled(bundle, form), templates=templates(bundle.logs))


def assess(bundle: Bundle, prepared: Prepared | None = None) -> Assessment:
    """Looks at all modalities and ranks what they show. Time linear in the rows (times their logarithm)."""
    bundle = clean(bundle)
    ready = prepared or prepare(bundle)
    form, trouble = ready.form, ready.trouble
    found: list[Symptom] = [
        *latency.detect(bundle, form),
        *structure.detect(bundle, form, trouble),
        *repetition.detect(bundle, form),
        *errors.detect(bundle, form),
        *logs.detect(bundle, form, trouble, ready.templates),
        *series.detect(bundle),
        *told.detect(bundle),
    ]
    depends = callees(calls(bundle, form))
    found += passed_on(bundle, found, depends)
    suspects = tuple(rank(bundle, found, depends))
    return Assessment(suspects=suspects, symptoms=tuple(found), depends=depends, looked_at=_looked_at(bundle))


def locate(bundle: Bundle) -> tuple[Bundle, Assessment]:
    """The bundle with the likeliest page, and its assessment, when nobody knows when the incident began.

    Tried are the whole window and its last half, quarter and eighth: one of them holds the fault to at least a half,
    which the detectors' quartiles need. A shorter one must show the fault clearly better.
    """
    bundle = clean(bundle)
    ready = prepare(bundle)
    best, found = bundle, assess(bundle, ready)
    if bundle.alert is not None:
        return best, found
    length = bundle.end - bundle.start
    for part in (2, 4, 8):
        if length / part < SHORTEST_S:
            break
        tried = replace(bundle, alert=bundle.end - length / part + LEAD_S)
        seen = assess(tried, ready)
        if _top(seen) > _top(found) + CLEARLY or (seen.looked_at and not found.looked_at):
            best, found = tried, seen
    return best, found


def _top(found: Assessment) -> float:
    return found.suspects[0].score if found.suspects else 0.0


def _looked_at(bundle: Bundle) -> tuple[str, ...]:
    columns: dict[str, tuple[Floats, Flags]] = {
        "metrics": (bundle.metrics.time, bundle.metrics.reference),
        "spans": (bundle.spans.start, bundle.spans.reference),
        "logs": (bundle.logs.time, bundle.logs.reference),
    }
    when = period(bundle)
    return tuple(
        name
        for name, (time, reference) in columns.items()
        if min(np.sum(when.healthy(time, reference)), np.sum(when.incident(time, reference))) >= MIN_ROWS
    )
