"""From symptoms to ranked causes: the best-founded way of looking is chosen for each service, not a blend of all.

Blending was measured to be worse than the best single way of looking: each kind of fault shows in one of them, and
the others add noise. So a service's score is its strongest symptom that nothing else explains; the rest breaks ties.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from steersman.diagnosis.bundle import NONE, Bundle
from steersman.diagnosis.changes import released
from steersman.diagnosis.series import family
from steersman.diagnosis.symptom import Modality, Symptom
from steersman.domain.finding import FaultKind

EXPLAINS: dict[Modality, frozenset[Modality]] = {
    "structure": frozenset({"structure", "logs", "errors"}),
    "logs": frozenset({"structure", "logs", "errors"}),
    "errors": frozenset({"errors", "structure", "logs"}),
    "latency": frozenset({"latency"}),
}
"""Symptoms that a service also shows when one that it calls is at fault, and what that one then shows."""
BY_REPETITION: frozenset[Modality] = frozenset({"structure", "logs"})
"""Symptoms that a service also shows when it is called again and again for one request."""
FELT = 0.2
"""Score of lost time from which requests felt it."""
FELT_AT_ONCE: frozenset[FaultKind] = frozenset({"cpu_burn", "slow_disk", "pool_exhaustion"})
"""Resources whose shortage requests wait for."""
TIMED: frozenset[FaultKind] = frozenset({"slow_disk"})
"""Resources that are measured as a time, by a process that may itself be slow: only traces say whether it was felt."""
TELLING = 0.85
"""Weight below which its reason is told."""
DECISION = 0.5
"""Score at which a fault is found: every detector's one half is the most that healthy systems show."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much a symptom counts in which light. One set for all systems."""

    usual: Mapping[Modality, float] = field(default_factory=dict)
    """Factor on what is usual for a modality; 1 where it is not named."""
    overwhelming: float = 0.9
    """Score above which a symptom of any kind (a callee slow enough to time out) explains a caller's."""
    virtual: float = 0.4
    """Services that are known from their callers' side only."""
    unreached: float = 0.7
    """Services that the alerting one does not depend on."""
    coarse: float = 0.4
    """A service's latency and error metrics where traces measure the same, call by call."""
    unfelt: float = 0.6
    """A resource's rise that no request felt."""
    other_complaint: float = 0.8
    """Lost time when the alert is about failures, and the other way round."""
    changed: float = 0.3
    """A release of the service shortly before: it adds to what is shown, and is nothing by itself."""
    support: float = 0.05
    """All further symptoms of a service together: they break ties."""

    def scaled(self, symptom: Symptom) -> float:
        """The symptom's score when so many times as much is usual."""
        factor = self.usual.get(symptom.modality, 1.0)
        return symptom.score / (symptom.score + factor * (1 - symptom.score)) if symptom.score > 0 else 0.0


DEFAULT = Weights()


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


def rank(
    bundle: Bundle,
    symptoms: Sequence[Symptom],
    depends: Mapping[int, frozenset[int]],
    *,
    weights: Weights = DEFAULT,
) -> list[Suspect]:
    """Suspects, likeliest first. depends: for each service, all services that it relies on."""
    scores = [weights.scaled(symptom) for symptom in symptoms]
    flooded = _flooded(symptoms, scores)
    own = [score * (1 - _asked_again(s, score, flooded)) for s, score in zip(symptoms, scores, strict=True)]
    view = _View(
        bundle,
        _strongest(symptoms, own),
        depends,
        weights,
        flooded,
        traced=frozenset(np.unique(bundle.spans.service).tolist()),
        felt=_felt(symptoms, scores),
    )
    changed = released(bundle)
    by_service: dict[int, list[Weighed]] = defaultdict(list)
    for symptom, score in zip(symptoms, scores, strict=True):
        by_service[symptom.service].append(view.weigh(symptom, score))
    suspects = []
    for service, found in by_service.items():
        if not bundle.services[service] or (bundle.candidates is not None and service not in bundle.candidates):
            continue
        ordered = tuple(sorted(found, key=lambda w: (-w.score, w.symptom.modality, w.symptom.value)))
        rest = sum(w.score for w in ordered[1:])
        more = weights.support * rest / (1 + rest) + (weights.changed * ordered[0].score if service in changed else 0)
        score = ordered[0].score + more * (1 - ordered[0].score)
        suspects.append(Suspect(service=service, score=score, weighed=ordered))
    return sorted(suspects, key=lambda s: (-s.score, bundle.services[s.service]))


def _strongest(symptoms: Sequence[Symptom], scores: Sequence[float]) -> dict[int, dict[Modality, float]]:
    best: dict[int, dict[Modality, float]] = defaultdict(dict)
    for symptom, score in zip(symptoms, scores, strict=True):
        mine = best[symptom.service]
        mine[symptom.modality] = max(mine.get(symptom.modality, 0.0), score)
    return best


def _felt(symptoms: Sequence[Symptom], scores: Sequence[float]) -> dict[int, float]:
    """Time that each service's requests lose by their traces: a quantile of a metric may be a few slow ones."""
    found: dict[int, float] = {}
    for symptom, score in zip(symptoms, scores, strict=True):
        if _by_traces(symptom, "latency"):
            found[symptom.service] = max(found.get(symptom.service, 0.0), score)
    return found


def _flooded(symptoms: Sequence[Symptom], scores: Sequence[float]) -> dict[int, float]:
    """Services that are called too often, and how strongly that shows in who calls them."""
    found: dict[int, float] = {}
    for symptom, score in zip(symptoms, scores, strict=True):
        if symptom.toward not in (NONE, symptom.service):
            found[symptom.toward] = max(found.get(symptom.toward, 0.0), score)
    return found


def _asked_again(symptom: Symptom, score: float, flooded: Mapping[int, float]) -> float:
    """Share of a score that calls made too often explain: what is asked twice is answered otherwise the second time."""
    if symptom.modality not in BY_REPETITION or symptom.toward != NONE:
        return 0.0
    flood = flooded.get(symptom.service, 0.0)
    return flood * min(flood / max(score, 1e-9), 1.0)


@dataclass(frozen=True, slots=True)
class _View:
    """What is known besides one symptom."""

    bundle: Bundle
    own: Mapping[int, Mapping[Modality, float]]
    depends: Mapping[int, frozenset[int]]
    use: Weights
    flooded: Mapping[int, float]
    traced: frozenset[int]
    """Services that have spans."""
    felt: Mapping[int, float]
    """Lost time of each service, call by call."""

    def weigh(self, symptom: Symptom, score: float) -> Weighed:
        """The symptom's score times each weight that applies; the heaviest reason is told."""
        use, virtual = self.use, symptom.service in self.bundle.virtual
        weights = [
            (
                1 - self._explained(symptom, score),
                "A service that it depends on shows such symptoms, which explain these.",
            ),
            (
                1 - _asked_again(symptom, score, self.flooded),
                "A service that calls it does so too often, which explains these.",
            ),
            (use.virtual if virtual else 1.0, "It is known from its callers' side only."),
            (use.unreached if self._unreached(symptom) else 1.0, "The alerting service does not depend on it."),
            (use.coarse if self._coarse(symptom) else 1.0, "Traces, which measure call by call, count for more."),
            (use.unfelt if self._unfelt(symptom) else 1.0, "Its requests take no longer than before."),
            (use.other_complaint if self._other(symptom) else 1.0, "The alert is about something else."),
        ]
        for weight, _ in weights:
            score *= weight
        worst, because = min(weights, key=lambda pair: pair[0])
        return Weighed(symptom=symptom, score=score, because=because if worst < TELLING else "")

    def _explained(self, symptom: Symptom, score: float) -> float:
        """Share of the score that a service further down explains: all of it when that one's symptom is as strong."""
        if symptom.blamed_from != NONE or symptom.modality not in EXPLAINS or _by_traces(symptom, "latency", "errors"):
            return 0.0
        deepest = 0.0
        for service in self.depends.get(symptom.service, frozenset()) - self.bundle.virtual:
            for modality, other in self.own.get(service, {}).items():
                if modality in EXPLAINS[symptom.modality] or other >= self.use.overwhelming:
                    deepest = max(deepest, other)
        return deepest * min(deepest / max(score, 1e-9), 1.0) ** 4

    def _unreached(self, symptom: Symptom) -> bool:
        suspect = self.bundle.suspect
        if suspect is None or suspect not in self.depends or symptom.service == suspect:
            return False
        return symptom.service not in self.depends[suspect]

    def _coarse(self, symptom: Symptom) -> bool:
        if not len(self.bundle.spans):
            return False
        # What has lines and no spans (a proxy, a load balancer) tells of others.
        witness = symptom.modality == "logs" and symptom.service not in self.traced
        return witness or (symptom.query.get("from") == "metrics" and symptom.modality in {"latency", "errors"})

    def _unfelt(self, symptom: Symptom) -> bool:
        if symptom.kind not in FELT_AT_ONCE or not len(self.bundle.spans):
            return False
        if symptom.kind in TIMED:
            return self.felt.get(symptom.service, 0.0) < FELT
        return self.own[symptom.service].get("latency", 0.0) < FELT

    def _other(self, symptom: Symptom) -> bool:
        complaint = family(self.bundle.alert_metric)
        if complaint is None or complaint.modality not in {"latency", "errors"}:
            return False
        return symptom.modality in {"latency", "errors"} and symptom.modality != complaint.modality


def _by_traces(symptom: Symptom, *modalities: Modality) -> bool:
    """Measures of a service's own part, which a callee cannot cause."""
    return symptom.query.get("from") == "spans" and symptom.modality in modalities
