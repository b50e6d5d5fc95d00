"""What is known without looking: conditions that were watched and judged breached."""

from __future__ import annotations

from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.series import family
from steersman.diagnosis.symptom import Symptom
from steersman.domain.finding import Breach
from steersman.domain.signal import UNIT

SURE = 0.6
"""Score of a breach: it was judged with the confidence that undoes a release, and says where it hurts, not yet why."""


def detect(bundle: Bundle) -> list[Symptom]:
    """One symptom for each breached condition of a known service. Deeper failures explain it like any other."""
    return [_symptom(bundle, breach) for breach in bundle.breaches if breach.service in bundle.services]


def _symptom(bundle: Bundle, breach: Breach) -> Symptom:
    known = family(breach.signal)
    of = f" of version {breach.version}" if breach.version else ""
    beyond = f", beyond {_figure(breach, breach.bound)}" if breach.bound is not None else ""
    measured = _figure(breach, breach.measured) if breach.measured is not None else "beyond its bound"
    return Symptom(
        service=bundle.services.index(breach.service),
        modality=known.modality if known else "series",
        kind=known.kind if known else "unknown",
        score=SURE,
        text=f"Its watched condition was breached: {breach.signal}{of} was {measured}{beyond}.",
        value=f"{breach.signal} {measured}{beyond} ({breach.points} points, judged at {breach.at.isoformat()})",
        query={"signal": breach.signal, "selector": {"service": breach.service}, "from": "verdict"},
        version=bundle.versions.index(breach.version) if breach.version in bundle.versions else -1,
        instance=bundle.instances.index(breach.instance) if breach.instance in bundle.instances else -1,
        onset=breach.at.timestamp(),
    )


def _figure(breach: Breach, value: float) -> str:
    return f"{value:.1%}" if UNIT[breach.signal] == "ratio" else f"{value:.4g} {UNIT[breach.signal]}"
