"""All detectors on one bundle, and the suspects that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steersman.diagnosis import errors, latency, logs, repetition, series, structure
from steersman.diagnosis.bundle import Bundle, Flags, Floats
from steersman.diagnosis.changes import passed_on
from steersman.diagnosis.graph import callees, calls
from steersman.diagnosis.period import period
from steersman.diagnosis.ranking import Suspect, rank
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.traces import shape

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


def assess(bundle: Bundle) -> Assessment:
    """Looks at all modalities and ranks what they show. Time linear in the rows (times their logarithm)."""
    form = shape(bundle.spans)
    trouble = errors.troubled(bundle, form)
    found: list[Symptom] = [
        *latency.detect(bundle, form),
        *structure.detect(bundle, form, trouble),
        *repetition.detect(bundle, form),
        *errors.detect(bundle, form),
        *logs.detect(bundle, form, trouble),
        *series.detect(bundle),
    ]
    depends = callees(calls(bundle, form))
    found += passed_on(bundle, found, depends)
    suspects = tuple(rank(bundle, found, depends))
    return Assessment(suspects=suspects, symptoms=tuple(found), depends=depends, looked_at=_looked_at(bundle))


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
