"""Which kind of fault a suspect's symptoms add up to."""

from __future__ import annotations

from steersman.diagnosis.ranking import Suspect
from steersman.diagnosis.series import family
from steersman.diagnosis.symptom import Modality
from steersman.domain.finding import FaultKind
from steersman.domain.signal import Change

CLEAR = 0.5
"""Score from which a symptom counts by itself."""
LONG = 0.9
"""Score of lost time from which failing requests have waited in vain."""
BEHAVIOUR: frozenset[Modality] = frozenset({"errors", "logs", "structure"})
"""Ways of looking in which a bad configuration shows."""
SLOWING: frozenset[FaultKind] = frozenset({"cpu_burn", "slow_disk"})
"""Shortages that make requests wait."""
STARVED: frozenset[FaultKind] = frozenset({"cpu_burn", "memory_leak"})
"""Shortages from which everything else in a process seems slow."""
SHOWN = 0.3
"""Score from which a symptom that the alert is about counts."""


def kind_of(suspect: Suspect, change: Change | None, *, alert_metric: str = "") -> FaultKind:
    """The kind of fault.

    A resource that ran short explains lost time and failures; otherwise what the alert complains of holds, if the
    service shows it; otherwise the strongest symptom's own.
    """
    symptoms = [weighed.symptom for weighed in suspect.weighed]
    clear = {(s.modality, s.kind): s.score for s in symptoms if s.score >= CLEAR}
    fails = any(modality == "errors" for modality, _ in clear)
    for repeated in ("retry_storm", "n_plus_one"):
        if ("structure", repeated) in clear:
            return repeated
    resource = _resource(suspect)
    if resource is not None:
        return resource
    if change is not None and change.kind == "config" and (fails or suspect.weighed[0].symptom.modality in BEHAVIOUR):
        return "bad_config"
    if ("errors", "dependency_timeout") in clear or (
        fails and clear.get(("latency", "latency_regression"), 0.0) >= LONG
    ):
        return "dependency_timeout"
    complaint = family(alert_metric)
    strongest = next(
        (s for s in symptoms if complaint is not None and s.modality == complaint.modality and s.score >= SHOWN),
        suspect.weighed[0].symptom,
    )
    return strongest.kind


def _resource(suspect: Suspect) -> FaultKind | None:
    """The resource that is shortest; a service that ends again and again shows the others, too.

    A disk seems slow as well where the processor or memory is short, for its time is measured from within. And requests
    that fail at once have not waited for what is slow.
    """
    short = {w.symptom.kind: w.score for w in suspect.weighed if w.symptom.modality == "resources" and w.score >= CLEAR}
    if "crash_loop" in short:
        return "crash_loop"
    strongest = suspect.weighed[0].symptom
    quick = any(w.symptom.quick and w.score >= CLEAR for w in suspect.weighed) and strongest.modality in BEHAVIOUR
    held = {kind: score for kind, score in short.items() if not (quick and kind in SLOWING)}
    if STARVED & held.keys():
        held.pop("slow_disk", None)
    return max(held, key=lambda kind: (held[kind], kind), default=None)
