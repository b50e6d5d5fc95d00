"""Whether requests that fail have waited, and whether a clock ended it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steersman.diagnosis.bundle import Bundle, Floats, Ints

PINNED = 1.15
"""Upper quartile over lowest tenth of durations, below which calls end when a clock says so."""
PATIENCE_S = 0.25
"""Shortest time that is taken for a timeout."""
MIN_CALLS = 4
"""Failed calls below which their durations say nothing."""


@dataclass(frozen=True, slots=True)
class Waited:
    """How failing requests spent their time."""

    quick: bool
    """They take no longer than healthy ones do: they did not wait for anything."""
    given_up: bool
    """Something in them fails after one and the same time: whoever was asked does not answer."""


def waited(bundle: Bundle, entry: Ints, failed: Ints, usual: Floats) -> Waited:
    """How the failing requests at these rows waited. entry: of each span. usual: durations of healthy requests."""
    spans = bundle.spans
    if not len(failed):
        return Waited(quick=False, given_up=False)
    quick = len(usual) > 0 and float(np.median(spans.duration[failed])) <= float(np.quantile(usual, 0.75))
    asked = np.zeros(len(spans), bool)
    asked[failed] = True
    parts = np.flatnonzero((spans.error == 1) & asked[entry])
    given_up = any(
        _pinned(spans.duration[parts[spans.operation[parts] == operation]])
        for operation in np.unique(spans.operation[parts])
    )
    return Waited(quick=quick and not given_up, given_up=given_up)


def _pinned(took: Floats) -> bool:
    if len(took) < MIN_CALLS:
        return False
    low, high = np.quantile(took, [0.1, 0.75]).tolist()
    return bool(low >= PATIENCE_S and high <= PINNED * low)
