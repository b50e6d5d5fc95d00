"""Versions of services that came in with the incident."""

from __future__ import annotations

import numpy as np

from steersman.diagnosis.bundle import NONE, Bundle, Flags
from steersman.diagnosis.period import period


def fresh(bundle: Bundle) -> Flags:
    """Spans of the incident whose service's version did not serve in healthy times."""
    spans, when = bundle.spans, period(bundle)
    wide = len(bundle.versions) + 1
    key = spans.service.astype(np.int64) * wide + spans.version
    known = np.unique(key[when.healthy(spans.start, spans.reference)])
    incident = when.incident(spans.start, spans.reference)
    return np.asarray(incident & (spans.version >= 0) & ~np.isin(key, known), np.bool_)


def newcomer(bundle: Bundle, service: int) -> int:
    """The one version of a service that came in with the incident; NONE when there is none, or several."""
    spans = bundle.spans
    found = np.unique(spans.version[fresh(bundle) & (spans.service == service)])
    return int(found[0]) if len(found) == 1 else int(NONE)
