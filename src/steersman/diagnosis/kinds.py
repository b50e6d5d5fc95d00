"""Which kind of fault a suspect's symptoms add up to."""

from __future__ import annotations

from steersman.diagnosis.ranking import Suspect
from steersman.diagnosis.series import family
from steersman.diagnosis.symptom import Symptom
from steersman.domain.finding import FaultKind
from steersman.domain.signal import Change

CLEAR = 0.5
"""Score from which a symptom counts by itself."""
SHOWN = 0.3
"""Score from which a symptom that the alert is about counts."""
RESOURCE_ORDER: tuple[FaultKind, ...] = (
    "crash_loop",
    "pool_exhaustion",
    "memory_leak",
    "slow_disk",
    "queue_backlog",
    "cpu_burn",
)
"""Which resource is named when several are short: the one whose shortage brings the others about."""


def kind_of(suspect: Suspect, change: Change | None, *, alert_metric: str = "") -> FaultKind:
    """The kind of fault.

    A resource that ran short explains lost time and failures; otherwise what the alert complains of holds, if the
    service shows it; otherwise the strongest symptom's own.
    """
    symptoms = [weighed.symptom for weighed in suspect.weighed]
    resource = _resource(symptoms)
    if resource is not None:
        return resource
    complaint = family(alert_metric)
    strongest = next(
        (s for s in symptoms if complaint is not None and s.modality == complaint.modality and s.score >= SHOWN),
        suspect.weighed[0].symptom,
    )
    if change is not None and change.kind == "config" and strongest.modality in {"errors", "logs", "structure"}:
        return "bad_config"
    return strongest.kind


def _resource(symptoms: list[Symptom]) -> FaultKind | None:
    short = {s.kind for s in symptoms if s.modality == "resources" and s.score >= CLEAR}
    return next((kind for kind in RESOURCE_ORDER if kind in short), None)
