"""The answer to "what is wrong?", from a bundle of telemetry: pure, so that a replay says the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from steersman.diagnosis.assessment import Assessment, locate
from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.changes import Recent, recent
from steersman.diagnosis.kinds import kind_of
from steersman.diagnosis.ranking import DECISION, Suspect, Weighed
from steersman.diagnosis.time_spent import time_spent
from steersman.diagnosis.versions import newcomer
from steersman.domain.fact import JsonObject, digest
from steersman.domain.finding import Cost, Evidence, Investigation, RootCause
from steersman.domain.ids import EvidenceId, IncidentId
from steersman.domain.naming import name_or
from steersman.domain.signal import Change, Window

CAUSES = 5
"""Root causes that are named at most."""
SYMPTOMS = 4
"""Symptoms that are cited for one cause at most."""
HYPOTHESES = 3
"""Hypotheses too weak to be named that are shown at most."""
HINT = 0.1
"""Score from which a suspect is a hypothesis at all."""
WORTH_CITING = 0.05
"""Score from which a further symptom is cited."""
CHANGES = 20
"""Changes that are told at most, beside those that a cause cites."""
EXCERPT = 500
"""Characters of untrusted text that evidence carries at most."""


def investigate(
    bundle: Bundle, question: str, *, incident_id: IncidentId | None = None, cost: Cost | None = None
) -> Investigation:
    """Ranked causes with evidence; or that there is none; or that the data do not say.

    A source that did not answer is never read as "all is well": without a cause, holes make it "not enough data".
    """
    window = Window(start=_instant(bundle.start), end=_instant(bundle.end))
    bundle, found = locate(bundle)
    named = [suspect for suspect in found.suspects if suspect.score >= DECISION]
    book = _Book(window)
    weak = [suspect for suspect in found.suspects if HINT <= suspect.score < DECISION]
    considered = [*named[:CAUSES], *weak[:HYPOTHESES]]
    causes = tuple(
        _cause(bundle, suspect, place + 1, book, rivals=considered) for place, suspect in enumerate(considered)
    )
    count = len(named[:CAUSES])
    return Investigation(
        incident_id=incident_id
        or IncidentId("inc-" + digest([question, bundle.start, bundle.end]).removeprefix("sha256:")[:12]),
        question=question,
        window=window,
        result="cause" if named else _without_cause(bundle, found),
        root_causes=causes[:count],
        rejected=causes[count:],
        time_spent=time_spent(bundle, bundle.suspect) if bundle.suspect is not None else (),
        evidence={**book.entries, **_timeline(bundle, window)},
        holes=bundle.holes,
        not_looked_at=bundle.not_looked_at,
        cost=cost or Cost(),
    )


def _without_cause(bundle: Bundle, found: Assessment) -> Literal["no_fault", "not_enough_data"]:
    return "no_fault" if found.looked_at and not bundle.holes else "not_enough_data"


def _timeline(bundle: Bundle, window: Window) -> dict[EvidenceId, Evidence]:
    """What was changed, the last first: people want to see that before all else."""
    last_first = sorted(bundle.changes, key=lambda change: (change.at, change.service, change.kind), reverse=True)
    return {
        EvidenceId(f"c{number}"): Evidence(
            id=EvidenceId(f"c{number}"),
            source="changes",
            query={"signal": "changes", "selector": {"service": change.service}},
            window=window,
            value=f"{change.kind} at {change.at.isoformat()}",
            excerpt=change.what[:EXCERPT],
        )
        for number, change in enumerate(last_first[:CHANGES], start=1)
    }


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class _Book:
    """Hands out evidence ids, in the order of the causes that cite them."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.entries: dict[EvidenceId, Evidence] = {}

    def add(self, weighed: Weighed) -> EvidenceId:
        symptom = weighed.symptom
        return self._put(
            source=str(symptom.query.get("from", "")),
            query=symptom.query,
            value=symptom.value,
            excerpt=symptom.excerpt[:EXCERPT],
        )

    def add_change(self, change: Change, value: str) -> EvidenceId:
        query: JsonObject = {"signal": "changes", "selector": {"service": change.service}}
        return self._put(source="changes", query=query, value=value, excerpt=change.what[:EXCERPT])

    def _put(self, *, source: str, query: JsonObject, value: str, excerpt: str) -> EvidenceId:
        key = EvidenceId(f"e{len(self.entries) + 1}")
        self.entries[key] = Evidence(
            id=key, source=source, query=query, window=self._window, value=value, excerpt=excerpt
        )
        return key


def _cause(bundle: Bundle, suspect: Suspect, place: int, book: _Book, *, rivals: list[Suspect]) -> RootCause:
    strongest = suspect.weighed[0]
    cited = [strongest, *(w for w in suspect.weighed[1:SYMPTOMS] if w.score >= WORTH_CITING)]
    evidence = [book.add(weighed) for weighed in cited]
    changed = recent(bundle, suspect.service)
    speaks_for = [w.symptom.text for w in cited[1:]]
    if changed is not None:
        evidence.append(book.add_change(changed.change, changed.value))
        speaks_for.append(changed.text)
    version = next((w.symptom.version for w in suspect.weighed if w.symptom.version >= 0), -1)
    version = version if version >= 0 else newcomer(bundle, suspect.service)
    instance = next((w.symptom.instance for w in suspect.weighed if w.symptom.instance >= 0), -1)
    return RootCause(
        rank=place,
        kind=kind_of(suspect, changed.change if changed else None, alert_metric=bundle.alert_metric),
        service=name_or(bundle.services[suspect.service], "service"),
        instance=name_or(bundle.instances[instance], "instance") if instance >= 0 else "",
        version=name_or(bundle.versions[version], "version") if version >= 0 else "",
        score=round(min(max(suspect.score, 0.0), 1.0), 4),
        explanation=_explanation(strongest, changed),
        evidence=tuple(evidence),
        speaks_for=tuple(speaks_for),
        speaks_against=tuple(_against(suspect, rivals)),
    )


def _explanation(strongest: Weighed, changed: Recent | None) -> str:
    text = strongest.symptom.text
    return f"{text} {changed.text}" if changed is not None else text


def _against(suspect: Suspect, rivals: list[Suspect]) -> list[str]:
    reasons = list(dict.fromkeys(w.because for w in suspect.weighed[:SYMPTOMS] if w.because))
    if suspect.score < DECISION:
        reasons.append("Healthy systems show as much.")
    better = sum(rival.score > suspect.score for rival in rivals)
    if better:
        reasons.append(f"{better} other {'service shows' if better == 1 else 'services show'} a stronger symptom.")
    shown = {w.symptom.modality for w in suspect.weighed}
    if len(shown) == 1:
        reasons.append(f"Only one way of looking shows it ({next(iter(shown))}).")
    return reasons
