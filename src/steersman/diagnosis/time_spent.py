"""Which services spend the time of a service's requests: the bottleneck where nothing has changed."""

from __future__ import annotations

import numpy as np

from steersman.diagnosis.bundle import NONE, Bundle, Flags, Floats, Ints, Spans
from steersman.diagnosis.traces import DEPTH_LIMIT, Shape, shape
from steersman.domain.finding import TimeShare
from steersman.domain.naming import name_or

SHOWN = 5


def time_spent(bundle: Bundle, service: int) -> tuple[TimeShare, ...]:
    """Own time of each service below the requests that one answers, the largest share first.

    Own is what no child span covers; what lies between a caller's span and its callee's is nobody's.
    """
    spans, rows = bundle.spans, np.arange(len(bundle.spans), dtype=np.int32)
    if not len(rows):
        return ()
    derived = shape(spans)
    parent = np.where(spans.parent == rows, NONE, spans.parent).astype(np.int32)
    within = ~spans.reference & (spans.start >= bundle.start) & (spans.start < bundle.end) & (spans.service >= 0)
    counted = within & _below(spans.service == service, parent)
    requests = int((counted & (spans.service == service) & (derived.entry == rows)).sum())
    own_s = np.bincount(
        spans.service[counted], weights=_own(spans, derived, parent)[counted], minlength=len(bundle.services)
    )
    total = float(own_s.sum())
    if not requests or total <= 0:
        return ()
    return tuple(
        TimeShare(
            service=name_or(bundle.services[each], "service"),
            own_ms=round(float(own_s[each]) / requests * 1_000, 3),
            share=round(float(own_s[each]) / total, 4),
        )
        for each in np.argsort(-own_s, kind="stable")[:SHOWN]
        if own_s[each] > 0
    )


def _below(seeds: Flags, parent: Ints) -> Flags:
    """The seeds and everything that they call."""
    has, above, below = parent >= 0, np.maximum(parent, 0), seeds
    for _ in range(DEPTH_LIMIT):
        further = below | (has & below[above])
        if np.array_equal(further, below):
            break
        below = further
    return below


def _own(spans: Spans, derived: Shape, parent: Ints) -> Floats:
    """As the shape has it; the span of a request that calls others with no span for the call keeps the rest."""
    has = parent >= 0
    covered = np.bincount(parent[has], weights=spans.duration[has], minlength=len(spans))
    calls_itself = (derived.entry == np.arange(len(spans))) & (derived.expected >= 0)
    return np.where(calls_itself, np.maximum(spans.duration - covered, 0.0), derived.own_s)
