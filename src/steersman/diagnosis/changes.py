"""What somebody did to a service shortly before it went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.period import period
from steersman.diagnosis.symptom import Modality, Symptom
from steersman.domain.signal import Change

LOOK_BACK_S = 3_600.0
"""Changes older than this are taken to have proved themselves."""
RELEASES = frozenset({"deploy", "config", "traffic"})
"""Changes that put other code or settings to work."""
PASSED_ON = 0.95
"""Weight of a caller's symptom when it is held against the callee that was changed."""
BEHAVIOUR: frozenset[Modality] = frozenset({"logs", "structure"})
"""Symptoms that a callee's wrong answers cause in callers."""
SLACK_S = 5.0
"""Clocks of those who record changes and those who measure differ by that much."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The last change of a service before the fault, and a sentence about it."""

    change: Change
    text: str
    value: str


def recent(bundle: Bundle, service: int) -> Recent | None:
    """The last change of that service that lies at most an hour before the incident, or within it.

    An alert is a symptom, not a change.
    """
    when = period(bundle)
    name = bundle.services[service]
    mine = [
        change
        for change in bundle.changes
        if change.service == name
        and change.kind != "alert"
        and when.onset - LOOK_BACK_S <= change.at.timestamp() <= when.end + SLACK_S
    ]
    if not mine:
        return None
    last = max(mine, key=lambda change: (change.at, change.kind))
    apart = last.at.timestamp() - when.onset
    place = f"{-apart:.0f} s before" if apart < 0 else f"{apart:.0f} s after"
    text = f"It was changed ({last.kind}) {place} the incident's beginning."
    return Recent(change=last, text=text, value=f"{last.kind} at {last.at.isoformat()}")


def released(bundle: Bundle) -> frozenset[int]:
    """Services whose code or settings changed shortly before the incident or within it."""
    latest = {service: recent(bundle, service) for service in range(len(bundle.services))}
    return frozenset(s for s, last in latest.items() if last is not None and last.change.kind in RELEASES)


def passed_on(bundle: Bundle, symptoms: Sequence[Symptom], depends: Mapping[int, frozenset[int]]) -> list[Symptom]:
    """Symptoms of unchanged callers, held against the one service below them that was changed.

    Wrong answers leave no trace in the service that gives them: its callers notice.
    """
    changed = released(bundle)
    result = []
    for symptom in symptoms:
        below = depends.get(symptom.service, frozenset()) & changed
        if symptom.modality in BEHAVIOUR and symptom.service not in changed and len(below) == 1:
            result.append(
                replace(
                    symptom,
                    service=next(iter(below)),
                    kind="wrong_result",
                    score=symptom.score * PASSED_ON,
                    text="It was changed, and since then a service that calls it behaves otherwise.",
                    blamed_from=symptom.service,
                )
            )
    return result
