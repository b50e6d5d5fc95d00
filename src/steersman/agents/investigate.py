"""Fetches telemetry from sources, all at once, and hands it to the diagnosis. No model; reads only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from steersman.agents.fanout import Calls, Member, gather
from steersman.agents.scope import SIGNALS, Scope, Tell
from steersman.diagnosis.bundle import Bundle
from steersman.diagnosis.gathering import Gathered, bundle_of
from steersman.diagnosis.investigation import investigate as diagnose
from steersman.diagnosis.period import LEAD_S
from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.finding import Asked, Cost, Investigation
from steersman.domain.ids import IncidentId
from steersman.domain.ports import Source
from steersman.domain.signal import Selector, Window

__all__ = ["SIGNALS", "Columnar", "Member", "Scope", "Tell", "arrived", "fetch", "investigate", "read"]
POLL_S = 1.0
"""Pause between two looks at whether telemetry has arrived; the lab's processes send theirs this often."""


@runtime_checkable
class Columnar(Protocol):
    """A source that can give all it has in columns at once: quicker than fact by fact."""

    async def bundle(self, window: Window | None, baseline: Window | None) -> Bundle:
        """Everything in the two windows; None: as it was recorded."""
        ...


async def investigate(
    question: str,
    window: Window,
    source: Source | Sequence[Member],
    *,
    scope: Scope | None = None,
    incident_id: IncidentId | None = None,
) -> Investigation:
    """Ranked causes of what went wrong in a window, with evidence.

    source: one that has everything, or several, which are asked at the same time.
    Raises nothing for a source that is down or slow: that is a hole in the answer, which then never says "no fault".
    """
    started = time.monotonic()
    scope = scope or Scope()
    bundle, count = await read(source, window, scope)
    scope.tell("comparing with the baseline")
    result = await asyncio.to_thread(diagnose, bundle, question, incident_id=incident_id)
    cost = Cost(calls=count, seconds=round(time.monotonic() - started, 3))
    asked = Asked(
        baseline=scope.healthy(window),
        service=scope.service,
        services=scope.services,
        alert_at=scope.alert_at,
        onset_at=scope.onset_at,
    )
    result = result.model_copy(update={"cost": cost, "asked": asked})
    return result if isinstance(source, Columnar) else _stepped(result, window)


def _stepped(found: Investigation, window: Window) -> Investigation:
    """With the length of a point that was asked for, so that the same can be asked again."""
    evidence = {key: item.model_copy(update={"window": window}) for key, item in found.evidence.items()}
    return found.model_copy(update={"window": window, "evidence": evidence})


async def read(source: Source | Sequence[Member], window: Window, scope: Scope) -> tuple[Bundle, int]:
    """What sources have of a window and its baseline, as the diagnosis reads it, and how many questions it took.

    Raises nothing for a source that is down or slow: that is a hole.
    """
    calls = Calls(scope)
    if isinstance(source, Columnar):
        found = await calls.ask("the capture", source.bundle(window, scope.baseline))
        bundle = found or Bundle(start=window.start.timestamp(), end=window.end.timestamp())
        return bundle.with_holes(calls.told()), calls.count
    gathered = await gather(_members(source), window, calls)
    bundle = await asyncio.to_thread(bundle_of, gathered, window, alert=_alert(scope), suspect=scope.service)
    return bundle, calls.count


async def fetch(source: Source | Sequence[Member], window: Window, scope: Scope) -> Gathered:
    """The same as facts, to be kept. Raises nothing for a source that is down or slow: that is a hole."""
    return await gather(_members(source), window, Calls(scope))


def _members(source: Source | Sequence[Member]) -> Sequence[Member]:
    return source if isinstance(source, Sequence) else (Member("", source),)


async def arrived(source: Source, until: datetime, *, within_s: float) -> bool:
    """Waits until a source tells of something later than an instant, so that what came before has arrived as well.

    False when that takes too long, or the source does not answer: the investigation will find that out by itself.
    """
    later = Window(start=until, end=until + timedelta(hours=1))
    try:
        async with asyncio.timeout(within_s):
            while True:
                spans, logs = await asyncio.gather(
                    source.spans(Selector(), later, limit=1), source.logs(Selector(), later, limit=1)
                )
                await asyncio.sleep(POLL_S)  # once they are there, exporters of other processes are as far by then
                if spans.spans or logs.records:
                    return True
    except (TimeoutError, UnavailableError, ToolError):
        return False


def _alert(scope: Scope) -> float | None:
    """When a page would have come, in Unix seconds."""
    if scope.onset_at is not None:
        return scope.onset_at.timestamp() + LEAD_S
    return scope.alert_at.timestamp() if scope.alert_at else None
