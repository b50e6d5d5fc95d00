"""The shape of traces: where each span enters its service, along which calls, and what time is its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steersman.diagnosis.bundle import NONE, Flags, Floats, Ints, Spans
from steersman.diagnosis.statistics import Keys, dense

DEPTH_LIMIT = 32
"""Services on one call path. Deeper ones (and loops of broken parents) share a path."""
OFTEN = 0.25
"""Share of a name's spans that cross into another service, from which all of that name are calls."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Derived columns of spans, row by row."""

    entry: Ints
    """Row of the span by which the request came into this span's service."""
    path: Keys
    """Number of the chain of (service, operation) of entries from the root down to this span's entry."""
    callee: Ints
    """Service that this span calls directly, NONE when it stays inside."""
    crossing: Ints
    """Rows whose parent is of another service."""
    expected: Ints
    """Service that spans of this name call, NONE when they stay inside: also where the callee's span is missing."""
    own_s: Floats
    """Seconds that no child covers."""


def shape(spans: Spans) -> Shape:
    """All derived columns, in time linear in the spans (times the depth of calls)."""
    rows = np.arange(len(spans), dtype=np.int32)
    parent = np.where(spans.parent == rows, NONE, spans.parent)
    has = parent >= 0
    above = np.where(has, parent, 0)
    enters = ~has | (spans.service[above] != spans.service) if len(spans) else has
    crossing = np.flatnonzero(enters & has).astype(np.int32)
    entry = _entry(rows, above, enters)
    callee = np.full(len(spans), NONE, np.int32)
    callee[parent[crossing]] = spans.service[crossing]
    expected = _expected(spans, callee)
    return Shape(
        entry=entry,
        path=_path(spans, entry, parent),
        callee=callee,
        crossing=crossing,
        expected=expected,
        own_s=_own(spans, parent, enters, expected),
    )


def _entry(rows: Ints, above: Ints, enters: Flags) -> Ints:
    entry = np.where(enters, rows, above)
    for _ in range(DEPTH_LIMIT):  # pointer jumping: the distance doubles each time
        further = entry[entry]
        if np.array_equal(further, entry):
            break
        entry = further
    return entry


def _path(spans: Spans, entry: Ints, parent: Ints) -> Keys:
    """Each round looks one service further up; it ends when that tells no more spans apart."""
    if not len(spans):
        return np.empty(0, np.int64)
    enters, place = dense(entry.astype(np.int64))
    wide = int(spans.operation.max(initial=0)) + 2
    names, own = dense(spans.service[enters].astype(np.int64) * wide + spans.operation[enters])
    over = parent[enters]
    up, rooted = place[np.maximum(over, 0)], over < 0
    path, told = own, len(names)
    for _ in range(DEPTH_LIMIT):
        values, path = dense(np.where(rooted, 0, path[up] + 1) * len(names) + own)
        if len(values) == told:
            break
        told = len(values)
    return path[place]


def _own(spans: Spans, parent: Ints, enters: Flags, expected: Ints) -> Floats:
    """Duration less the children's.

    A local span that lies within a local sibling counts as the sibling's child: asynchronous frameworks report a wait
    beside the call that it waits for.
    """
    adopted = _adopted(spans, parent, enters)
    inner = adopted >= 0
    owner = np.where(inner, adopted, parent)
    has = owner >= 0
    covered = np.bincount(owner[has], weights=spans.duration[has], minlength=len(spans))
    return np.where(expected >= 0, 0.0, np.maximum(spans.duration - covered, 0.0))


def _expected(spans: Spans, callee: Ints) -> Ints:
    wide = int(spans.operation.max(initial=0)) + 2
    _, name = dense(spans.service.astype(np.int64) * wide + spans.operation)
    count = int(name.max(initial=-1)) + 1
    calls = callee >= 0
    crossing = np.bincount(name, weights=calls, minlength=count)
    to = int(callee.max(initial=0)) + 1
    pairs, times = np.unique(name[calls] * to + callee[calls], return_counts=True)
    usual = np.full(count, NONE, np.int32)
    order = np.argsort(times, kind="stable")
    usual[pairs[order] // to] = pairs[order] % to  # the most frequent one is written last
    often = crossing >= OFTEN * np.maximum(np.bincount(name, minlength=count), 1)
    return np.where(calls, callee, np.where(often, usual, NONE)[name]).astype(np.int32)


def _adopted(spans: Spans, parent: Ints, enters: Flags) -> Ints:
    local = np.flatnonzero((parent >= 0) & ~enters)
    order = local[np.lexsort((-spans.duration[local], spans.start[local], parent[local]))]
    adopted = np.full(len(spans), NONE, np.int32)
    before, after = order[:-1], order[1:]
    end = spans.start + spans.duration
    inside = (parent[before] == parent[after]) & (end[after] <= end[before])
    adopted[after[inside]] = before[inside]
    return adopted
