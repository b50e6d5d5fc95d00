"""What ails pods, by their status and their events: words of Kubernetes, each with the workload that it is about.

Source: the pod lifecycle and the API reference of Kubernetes (`ContainerState`, `PodCondition`, `Event`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.objects import spec, status
from steersman.remote.kubernetes.ownership import metadata
from steersman.remote.text import one_line
from steersman.toolsets.kubernetes.owners import of_name, workload
from steersman.toolsets.kubernetes.settling import conditions

STARTING = frozenset({"ContainerCreating", "PodInitializing"})
"""What each pod waits for in the beginning: no trouble, unless it goes on."""
STUCK = timedelta(minutes=2)
"""A pod that is not ready for so long will not become so by itself."""
PRESENT = timedelta(minutes=2)
"""What lies so little back is the present."""
OFTEN = 3
"""Restarts of a container from which on it does not just recover."""
PULLING = "Back-off pulling image"


@dataclass(frozen=True, slots=True)
class During:
    """The time that is asked about: `since` and `until`, both inclusive; open where not said."""

    now: datetime
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def of(cls, arguments: JsonObject, now: datetime) -> During:
        """Raises InputError for what is no instant with an offset.

        Windows of telemetry end a little before now: whoever asks until a moment ago is told how it is now.
        """
        until = _given(arguments, "until")
        return cls(now, _given(arguments, "since"), None if until is not None and now - until < PRESENT else until)

    def has(self, at: datetime | None) -> bool:
        """Whether an instant lies in it; nobody knowing when, it may."""
        return at is None or ((self.since is None or self.since <= at) and (self.until is None or at <= self.until))

    def saw(self, began: datetime | None) -> bool:
        """Whether what began then, and goes on, was so within it."""
        return began is None or self.until is None or began <= self.until

    def long(self, began: datetime | None) -> bool:
        """Whether what began then had gone on for too long at its end."""
        end = min(self.until or self.now, self.now)
        return began is not None and end - began >= STUCK


def pod(document: Document, during: During) -> dict[str, JsonValue]:
    """One pod in a line: what is wrong with it now, and how its containers ended in the time asked about."""
    held = status(document)
    statuses = [*(held.get("initContainerStatuses") or []), *(held.get("containerStatuses") or [])]
    ready = conditions(document).get("Ready", {})
    since = instant(ready.get("lastTransitionTime")) or instant(metadata(document).get("creationTimestamp"))
    over = held.get("phase") in ("Failed", "Succeeded")
    well = ready.get("status") == "True" or over
    leaving = "deletionTimestamp" in metadata(document)
    restarts = [int(each.get("restartCount") or 0) for each in statuses if during.has(_last_end(each))]
    told = during.has(since) if over else during.saw(since)
    return {
        "workload": workload(document),
        "pod": str(metadata(document).get("name", "")),
        "phase": str(held.get("phase", "")),
        "ready": ready.get("status") == "True",
        "restarts": sum(restarts),
        "restarting": max(restarts, default=0) >= OFTEN,
        "reason": _reason(document, statuses) if told else "",
        "ended_by": "" if leaving else next((reason for at, reason in _failures(statuses) if during.has(at)), ""),
        "stuck": not well and during.long(since),
        "node": str(spec(document).get("nodeName", "")),
        "images": [str(each.get("image", "")) for each in spec(document).get("containers") or []],
    }


def ails(line: dict[str, JsonValue]) -> bool:
    """Whether something is wrong with a pod, by its line."""
    starting = line["reason"] in STARTING and not line["stuck"]
    return bool((line["reason"] and not starting) or line["ended_by"] or line["stuck"] or line["restarting"])


def shown(line: dict[str, JsonValue]) -> str:
    """Why a pod waits, in a few words: `CrashLoopBackOff (OOMKilled)`."""
    reason, ended = str(line["reason"]), str(line["ended_by"])
    return f"{reason} ({ended})" if reason and ended not in ("", "Error") else reason


def runs_again(document: Document, container: str) -> bool:
    """Whether a container runs that has ended before: why it did stands in the log of its former run."""
    found = status(document).get("containerStatuses") or []
    mine: Document = next((each for each in found if each.get("name") == container), {})
    return _is(mine, "running") and any(_ends(mine))


def warning(event: Document, at: str) -> dict[str, JsonValue]:
    """One event in a line. at: when it was last seen. Its message is untrusted."""
    involved = event.get("involvedObject") or {}
    kind, name = str(involved.get("kind", "")), str(involved.get("name", ""))
    message = one_line(str(event.get("message") or event.get("note") or ""))
    reason = one_line(str(event.get("reason", "")))
    if reason == "BackOff" and message.startswith(PULLING):
        reason = "ImagePullBackOff"  # one reason for two things, which only the message tells apart
    return {
        "workload": of_name(kind, name),
        "object": f"{kind}/{name}",
        "at": at,
        "reason": reason,
        "message": message,
        "count": int(event.get("count") or (event.get("series") or {}).get("count") or 1),
    }


def _reason(document: Document, statuses: list[Document]) -> str:
    """Why the pod is not at work: what a container waits for, else what the pod itself says."""
    waiting = [str(each["state"]["waiting"].get("reason") or "") for each in statuses if _is(each, "waiting")]
    telling = [reason for reason in waiting if reason and reason not in STARTING]
    placed = conditions(document).get("PodScheduled", {})
    unplaced = str(placed.get("reason") or "") if placed.get("status") == "False" else ""
    return one_line(next(filter(None, (*telling, str(status(document).get("reason") or ""), unplaced, *waiting)), ""))


def _is(container: Document, state: str) -> bool:
    return isinstance((container.get("state") or {}).get(state), dict)


def _failures(statuses: list[Document]) -> list[tuple[datetime | None, str]]:
    """(when, why) containers ended otherwise than well, the last first."""
    found = [
        (instant(end.get("finishedAt")), one_line(str(end.get("reason") or "Error")))
        for each in statuses
        for end in _ends(each)
        if end.get("exitCode") != 0
    ]
    return sorted(found, key=lambda one: one[0].timestamp() if one[0] else float("inf"), reverse=True)


def _last_end(container: Document) -> datetime | None:
    return next((instant(end.get("finishedAt")) for end in _ends(container)), None)


def _ends(container: Document) -> Iterator[Document]:
    """How a container ended, the present end before the former one."""
    for name in ("state", "lastState"):
        ended = (container.get(name) or {}).get("terminated")
        if isinstance(ended, dict):
            yield ended


def _given(arguments: JsonObject, name: str) -> datetime | None:
    text = arguments.get(name)
    if not text:
        return None
    found = instant(text)
    if found is None:
        raise InputError(f"{name}: {text!r} is no instant with an offset; write it as 2026-11-26T08:00:00Z")
    return found


def instant(text: object) -> datetime | None:
    """An instant with an offset; None for anything else."""
    try:
        found = datetime.fromisoformat(str(text or ""))
    except ValueError:
        return None
    return found if found.tzinfo else None
