"""Versions of services that came in with the incident."""

from __future__ import annotations

import numpy as np

from steersman.diagnosis.bundle import NONE, Bundle, Flags, Floats
from steersman.diagnosis.period import period
from steersman.diagnosis.statistics import Keys, dense

TRIED = 0.02
"""Share of a service's healthy spans that a new version may have: it was tried out before customers met it."""
GROWN = 5.0
"""How many times that share it must have in the incident, to have come in with it."""


def fresh(bundle: Bundle) -> Flags:
    """Spans of the incident whose service's version hardly served in healthy times."""
    spans, when = bundle.spans, period(bundle)
    wide = len(bundle.versions) + 1
    key, place = dense(spans.service.astype(np.int64) * wide + spans.version + 1)
    incident = when.incident(spans.start, spans.reference)
    before = _share(key // wide, place[when.healthy(spans.start, spans.reference)])
    after = _share(key // wide, place[incident])
    new = (before <= TRIED) & (after > GROWN * before)
    return np.asarray(incident & (spans.version >= 0) & new[place], np.bool_)


def _share(service: Keys, place: Keys) -> Floats:
    """Of each (service, version): its share of the service's rows. place: that of each row."""
    count = np.bincount(place, minlength=len(service)).astype(np.float64)
    total = np.bincount(service, weights=count)
    return np.asarray(count / np.maximum(total[service], 1), np.float64)


def newcomer(bundle: Bundle, service: int) -> int:
    """The one version of a service that came in with the incident; NONE when there is none, or several."""
    spans = bundle.spans
    found = np.unique(spans.version[fresh(bundle) & (spans.service == service)])
    return int(found[0]) if len(found) == 1 else int(NONE)
