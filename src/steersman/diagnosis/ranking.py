"""From symptoms to ranked causes: the best-founded way of looking is chosen for each service, not a blend of all.

Blending was measured to be worse than the best single way of looking: each kind of fault shows in one of them, and
the others add noise. So a service's score is its strongest symptom that nothing else explains; the rest breaks ties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from steersman.diagnosis.bundle import NONE, Bundle
from steersman.diagnosis.series import family
from steersman.diagnosis.symptom import Modality, Symptom

EXPLAINS: dict[Modality, frozenset[Modality]] = {
    "structure": frozenset({"structure", "logs", "errors"}),
    "logs": frozenset({"structure", "logs", "errors"}),
    "errors": frozenset({"errors", "structure", "logs"}),
    "latency": frozenset({"latency"}),
}
"""Symptoms that a service also shows when one that it calls is at fault, and what that one then shows."""
OVERWHELMING = 0.9
"""Score above which a symptom of any kind (a callee slow enough to time out) explains a caller's."""
VIRTUAL = 0.4
"""Weight of services that are known from their callers' side only."""
UNREACHED = 0.7
"""Weight of services that the alerting one does not depend on."""
COARSE = 0.4
"""Weight of a service's latency and error metrics where traces measure the same, call by call."""
UNFELT = 0.6
"""Weight of a resource's rise that no request felt."""
FELT = 0.2
"""Score of lost time from which requests felt it."""
OTHER_COMPLAINT = 0.8
"""Weight of lost time when the alert is about failures, and the other way round."""
SUPPORT = 0.05
"""Weight of all further symptoms together: they break ties."""
TELLING = 0.85
"""Weight below which its reason is told."""
DECISION = 0.5
"""Score at which a fault is found: every detector's one half is the most that healthy systems show."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A symptom, its score after what else explains it, and why."""

    symptom: Symptom
    score: float
    because: str = ""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A service with all that speaks for and against it, strongest first."""

    service: int
    score: float
    weighed: tuple[Weighed, ...]
    explains: tuple[int, ...] = field(default=())
    """Services whose symptoms are explained by this one's."""


def rank(bundle: Bundle, symptoms: Sequence[Symptom], depends: dict[int, frozenset[int]]) -> list[Suspect]:
    """Suspects, likeliest first. depends: for each service, all services that it relies on."""
    view = _View(bundle, _strongest(symptoms), depends)
    by_service: dict[int, list[Weighed]] = defaultdict(list)
    for symptom in symptoms:
        by_service[symptom.service].append(view.weigh(symptom))
    suspects = []
    for service, found in by_service.items():
        if bundle.candidates is not None and service not in bundle.candidates:
            continue
        ordered = tuple(sorted(found, key=lambda w: (-w.score, w.symptom.modality, w.symptom.value)))
        rest = sum(w.score for w in ordered[1:])
        score = ordered[0].score + SUPPORT * rest / (1 + rest) * (1 - ordered[0].score)
        suspects.append(Suspect(service=service, score=score, weighed=ordered))
    return sorted(suspects, key=lambda s: (-s.score, bundle.services[s.service]))


def _strongest(symptoms: Iterable[Symptom]) -> dict[tuple[int, Modality], float]:
    best: dict[tuple[int, Modality], float] = defaultdict(float)
    for symptom in symptoms:
        key = (symptom.service, symptom.modality)
        best[key] = max(best[key], symptom.score)
    return best


@dataclass(frozen=True, slots=True)
class _View:
    """What is known besides one symptom."""

    bundle: Bundle
    own: dict[tuple[int, Modality], float]
    depends: dict[int, frozenset[int]]

    def weigh(self, symptom: Symptom) -> Weighed:
        """The symptom's score times each weight that applies; the heaviest reason is told."""
        weights = [
            (1 - self._explained(symptom), "A service that it depends on shows such symptoms, which explain these."),
            (VIRTUAL if symptom.service in self.bundle.virtual else 1.0, "It is known from its callers' side only."),
            (
                UNREACHED if self._unreached(symptom) else 1.0,
                "The service that raised the alert does not depend on it.",
            ),
            (COARSE if self._coarse(symptom) else 1.0, "Traces measure the same call by call and do not show it."),
            (UNFELT if self._unfelt(symptom) else 1.0, "Its requests take no longer than before."),
            (OTHER_COMPLAINT if self._other(symptom) else 1.0, "The alert is about something else."),
        ]
        score = symptom.score
        for weight, _ in weights:
            score *= weight
        worst, because = min(weights, key=lambda pair: pair[0])
        return Weighed(symptom=symptom, score=score, because=because if worst < TELLING else "")

    def _explained(self, symptom: Symptom) -> float:
        """Share of the score that a service further down explains: all of it when that one's symptom is as strong."""
        if symptom.blamed_from != NONE or symptom.modality not in EXPLAINS or _by_traces(symptom, "latency", "errors"):
            return 0.0
        deepest = 0.0
        for service in self.depends.get(symptom.service, ()):
            if service in self.bundle.virtual:
                continue
            for (owner, modality), score in self.own.items():
                if owner == service and (modality in EXPLAINS[symptom.modality] or score >= OVERWHELMING):
                    deepest = max(deepest, score)
        return deepest * min(deepest / max(symptom.score, 1e-9), 1.0) ** 4

    def _unreached(self, symptom: Symptom) -> bool:
        suspect = self.bundle.suspect
        if suspect is None or suspect not in self.depends or symptom.service == suspect:
            return False
        return symptom.service not in self.depends[suspect]

    def _coarse(self, symptom: Symptom) -> bool:
        measured = symptom.query.get("from") == "metrics" and symptom.modality in {"latency", "errors"}
        return measured and len(self.bundle.spans) > 0

    def _unfelt(self, symptom: Symptom) -> bool:
        if symptom.modality != "resources" or not len(self.bundle.spans):
            return False
        return self.own.get((symptom.service, "latency"), 0.0) < FELT

    def _other(self, symptom: Symptom) -> bool:
        complaint = family(self.bundle.alert_metric)
        if complaint is None or complaint.modality not in {"latency", "errors"}:
            return False
        return symptom.modality in {"latency", "errors"} and symptom.modality != complaint.modality


def _by_traces(symptom: Symptom, *modalities: Modality) -> bool:
    """Measures of a service's own part, which a callee cannot cause."""
    return symptom.query.get("from") == "spans" and symptom.modality in modalities
