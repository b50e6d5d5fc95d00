"""What somebody did to a service shortly before it went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.period import period
from steersman.domain.signal import Change

LOOK_BACK_S = 3_600.0
"""Changes older than this are taken to have proved themselves."""
SLACK_S = 5.0
"""Clocks of those who record changes and those who measure differ by that much."""


@dataclass(frozen=True, slots=True)
class Recent:
    """The last change of a service before the fault, and a sentence about it."""

    change: Change
    text: str
    value: str


def recent(bundle: Bundle, service: int) -> Recent | None:
    """The last change of that service that lies at most an hour before the incident, or within it."""
    when = period(bundle)
    name = bundle.services[service]
    mine = [
        change
        for change in bundle.changes
        if change.service == name and when.onset - LOOK_BACK_S <= change.at.timestamp() <= when.end + SLACK_S
    ]
    if not mine:
        return None
    last = max(mine, key=lambda change: (change.at, change.kind))
    apart = last.at.timestamp() - when.onset
    place = f"{-apart:.0f} s before" if apart < 0 else f"{apart:.0f} s after"
    text = f"It was changed ({last.kind}) {place} the incident's beginning."
    return Recent(change=last, text=text, value=f"{last.kind} at {last.at.isoformat()}")
