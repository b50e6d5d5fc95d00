"""Evidence asked again: whether the systems still say what an investigation cites."""

from __future__ import annotations

from typing import Literal

from steersman.agents.investigate import Scope, read
from steersman.diagnosis.assessment import locate
from steersman.diagnosis.bundle import Bundle
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import Fact, JsonObject, canonical
from steersman.domain.finding import Evidence, Investigation
from steersman.domain.ids import EvidenceId
from steersman.domain.ports import Source
from steersman.domain.signal import Selector

ADDED = frozenset({"text", "language"})
"""Keys that a citation added to a query."""
LINES = 20_000


class Checked(Fact):
    """One piece of evidence, asked again."""

    id: EvidenceId
    state: Literal["holds", "changed", "gone", "unanswered"]
    """holds: the same value; changed: another one; gone: nothing unusual there; unanswered: a source did not answer."""
    was: str
    now: str = ""


async def verify(found: Investigation, source: Source) -> tuple[Checked, ...]:
    """Every piece of evidence of an investigation, asked again of the same systems for the same time."""
    asked = found.asked
    scope = Scope()
    if asked is not None:
        scope = Scope(
            baseline=asked.baseline,
            alert_at=asked.alert_at,
            onset_at=asked.onset_at,
            service=asked.service,
            services=asked.services,
        )
    bundle, _ = await read(source, found.window, scope)
    now = _values(bundle)
    return tuple([await _checked(item, now, bundle, source) for item in found.evidence.values()])


def _values(bundle: Bundle) -> dict[bytes, list[str]]:
    """What every detector says now, and every change, by query."""
    located, assessment = locate(bundle)
    found: dict[bytes, list[str]] = {}
    for symptom in assessment.symptoms:
        found.setdefault(_key(symptom.query), []).append(symptom.value)
    for change in located.changes:
        query: JsonObject = {"signal": "changes", "selector": {"service": change.service}}
        found.setdefault(_key(query), []).append(f"{change.kind} at {change.at.isoformat()}")
    return found


def _key(query: JsonObject) -> bytes:
    return canonical({name: value for name, value in query.items() if name not in ADDED})


async def _checked(item: Evidence, now: dict[bytes, list[str]], bundle: Bundle, source: Source) -> Checked:
    if item.id.startswith("u"):
        return await _line(item, source)
    values = now.get(_key(item.query), [])
    if item.value in values:
        return Checked(id=item.id, state="holds", was=item.value, now=item.value)
    if any(hole.startswith(_about(item)) for hole in bundle.holes):
        return Checked(id=item.id, state="unanswered", was=item.value)
    if values:
        return Checked(id=item.id, state="changed", was=item.value, now=values[0])
    return Checked(id=item.id, state="gone", was=item.value)


def _about(item: Evidence) -> tuple[str, ...]:
    """How holes begin that leave this evidence unasked."""
    signal = str(item.query.get("signal", ""))
    return ("the capture", signal if item.source == "metrics" else item.source)


async def _line(item: Evidence, source: Source) -> Checked:
    """A quoted line of a log: whether it is there."""
    selector = Selector(service=str(item.query.get("service") or "") or None)
    try:
        page = await source.logs(selector, item.window, limit=LINES)
    except (UnavailableError, ToolError):
        return Checked(id=item.id, state="unanswered", was=item.value)
    there = any(record.message == item.excerpt for record in page.records)
    return Checked(id=item.id, state="holds" if there else "gone", was=item.value, now=item.value if there else "")
