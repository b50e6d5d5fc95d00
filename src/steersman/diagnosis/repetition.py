"""Calls that a service makes more often for one request than it did: N+1 queries, retries."""

from __future__ import annotations

import numpy as np

from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import dense, quantiles, surprise
from steersman.diagnosis.symptom import Symptom
from steersman.diagnosis.traces import Shape

USUAL = 1.0
"""Growth of the number of equal calls for one request, over what is usual, in healthy systems."""
OFTEN = 0.1
"""Share of failing calls from which repetition is retrying."""
LESS = 0.75
"""Work for one call, as a share of before, from which it had been done already."""
NEVER = 2.0
"""Equal calls for one request that are taken as usual where that call was never made before."""
MIN_REQUESTS = 4
"""Requests in each period below which a call's number says nothing."""


def detect(bundle: Bundle, shape: Shape) -> list[Symptom]:
    """One symptom for each service that repeats one of its calls more than it did."""
    spans, when = bundle.spans, period(bundle)
    if not len(spans):
        return []
    wide = len(bundle.operations) + 1
    name = spans.service.astype(np.int64) * wide + spans.operation
    rows = np.flatnonzero((spans.parent >= 0) & (shape.entry != np.arange(len(spans))))
    kind = name[shape.entry[rows]] * (int(name.max()) + 1) + name[rows]
    kinds, kind = dense(kind)
    pairs, pair = dense(kind * len(spans) + shape.entry[rows])
    times = np.bincount(pair).astype(np.float64)
    entry, kind = pairs % len(spans), pairs // len(spans)
    incident = when.incident(spans.start[entry], spans.reference[entry])
    healthy = when.healthy(spans.start[entry], spans.reference[entry])
    n = len(kinds)
    requests = np.flatnonzero(shape.entry == np.arange(len(spans)))
    asked = np.bincount(
        name[requests[when.healthy(spans.start[requests], spans.reference[requests])]], minlength=int(name.max()) + 1
    )
    enough = asked[kinds // (int(name.max()) + 1)] >= MIN_REQUESTS
    enough &= np.bincount(kind[incident], minlength=n) >= MIN_REQUESTS
    before = np.nan_to_num(quantiles(times[healthy], kind[healthy], n, q=0.9, deviations=1.64), nan=NEVER)
    after = quantiles(times[incident], kind[incident], n, q=0.75, deviations=-1.64)
    growth = np.where(enough, (after - before) / np.maximum(before, 1), 0.0)
    service = (kinds // (int(name.max()) + 1) // wide).astype(np.int64)
    example = np.zeros(n, np.int64)
    example[dense(name[shape.entry[rows]] * (int(name.max()) + 1) + name[rows])[1]] = rows
    return [
        _symptom(bundle, shape, s, int(example[worst]), figures=(float(growth[worst]), float(after[worst])))
        for s in np.unique(service[growth > 0]).tolist()
        for worst in [max(np.flatnonzero(service == s), key=lambda k: growth[k])]
    ]


def _retried(bundle: Bundle, shape: Shape, example: int) -> bool:
    """Whether calls like this one are made again because of an answer.

    That is so when they often fail; and when those who are called have less to do for each than before: it is done.
    """
    spans, when = bundle.spans, period(bundle)
    alike = (spans.service == spans.service[example]) & (spans.operation == spans.operation[example])
    incident = alike & when.incident(spans.start, spans.reference)
    if incident.any() and np.mean(spans.error[incident] == 1) >= OFTEN:
        return True
    size = np.bincount(shape.entry, minlength=len(spans))
    asked = shape.crossing[alike[spans.parent[shape.crossing]]]
    before = size[asked[when.healthy(spans.start[asked], spans.reference[asked])]]
    after = size[asked[when.incident(spans.start[asked], spans.reference[asked])]]
    return bool(len(before) and len(after) and after.mean() <= LESS * before.mean())


def _symptom(bundle: Bundle, shape: Shape, service: int, example: int, *, figures: tuple[float, float]) -> Symptom:
    """figures: growth over what is usual, and the number of calls for one request now."""
    spans, (growth, now) = bundle.spans, figures
    return Symptom(
        service=service,
        modality="structure",
        kind="retry_storm" if _retried(bundle, shape, example) else "n_plus_one",
        score=surprise(growth, USUAL),
        text=f"It makes one of its calls {now:.0f} times for one request, {1 + growth:.1f} times as often as before.",
        value=f"{now:.0f} calls per request, {growth:+.2f} of usual",
        query={"signal": "calls_per_request", "selector": {"service": bundle.services[service]}, "from": "spans"},
        toward=int(shape.expected[example]),
        excerpt=bundle.operations[spans.operation[example]] if spans.operation[example] >= 0 else "",
    )
