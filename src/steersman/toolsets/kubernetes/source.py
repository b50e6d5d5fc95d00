"""What was done in a cluster, out of its events and rollouts. Numbers, logs and spans come from other sources."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from steersman.domain.errors import UnavailableError
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, SpanPage, Window
from steersman.remote.kubernetes.api import Api, Ask, Document
from steersman.remote.kubernetes.ownership import labels, metadata
from steersman.remote.kubernetes.resources import EVENTS, PODS, REPLICA_SETS
from steersman.remote.text import one_line

ARRIVED = {"ScalingReplicaSet": "scale", "SuccessfulRescale": "scale", "RolloutUpdated": "deploy", "Killing": "restart",
           "RolloutAborted": "deploy", "BackOff": "restart"}  # fmt: skip
MOST_PODS = 20


@dataclass(frozen=True, slots=True)
class KubernetesSource:
    """Implements `domain.ports.Source` with what a cluster knows: changes, and the logs that pods still have."""

    api: Api
    namespace: str
    """Where it looks; a question that names another namespace is asked there."""

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """No numbers. Raises UnavailableError: without a source for them a condition is inconclusive."""
        raise UnavailableError(f"{signal} of {selector} in {window.start}: a cluster has no series; add prometheus")

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """The last lines of pods with the label `app` of the service, which the cluster still has."""
        if selector.service is None:
            return LogPage(records=())
        query = {"labelSelector": f"app={selector.service}"}
        found = (await self.api.every(PODS.path(selector.namespace or self.namespace), query, most=MOST_PODS))[
            :MOST_PODS
        ]
        pages = await asyncio.gather(*(self._lines(each, selector.service, window) for each in found))
        records = sorted((record for page in pages for record in page), key=lambda record: record.at)
        return LogPage(records=tuple(records[-limit:]), left_out=max(len(records) - limit, 0))

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """None."""
        del selector, window, limit
        return SpanPage(spans=())

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Rollouts, scalings, restarts of a window, oldest first."""
        sets, events = await asyncio.gather(
            self.api.every(REPLICA_SETS.path(self.namespace)), self.api.every(EVENTS.path(self.namespace))
        )
        found = [*filter(None, map(_deployed, sets)), *filter(None, map(_happened, events))]
        return tuple(sorted((c for c in found if window.start <= c.at < window.end), key=lambda change: change.at))

    async def _lines(self, pod: Document, service: str, window: Window) -> list[LogRecord]:
        space, name = str(metadata(pod).get("namespace", "")), str(metadata(pod).get("name", ""))
        query = {"timestamps": "true", "tailLines": "500", "sinceTime": window.start.strftime("%Y-%m-%dT%H:%M:%SZ")}
        raw = await self.api.raw(Ask("GET", PODS.path(space, name, "log"), query))
        found = []
        for line in raw.decode(errors="replace").splitlines():
            stamp, _, message = line.partition(" ")
            at = _instant(stamp)
            if at is not None and window.start <= at < window.end:
                version = labels(pod).get("version", "")
                found.append(LogRecord(at=at, service=service, instance=name, version=version, message=message))
        return found


def _deployed(replica_set: Document) -> Change | None:
    """A new ReplicaSet is a new version: its creation is when it was rolled out."""
    owners = metadata(replica_set).get("ownerReferences") or []
    at = _instant(str(metadata(replica_set).get("creationTimestamp", "")))
    if not owners or at is None:
        return None
    containers = (((replica_set.get("spec") or {}).get("template") or {}).get("spec") or {}).get("containers") or [{}]
    image = one_line(str(containers[0].get("image", "")))
    return Change(at=at, service=str(owners[0].get("name", "")), kind="deploy", what=f"image {image}")


def _happened(event: Document) -> Change | None:
    kind = ARRIVED.get(str(event.get("reason")))
    stamp = str(event.get("lastTimestamp") or event.get("eventTime") or metadata(event).get("creationTimestamp") or "")
    at = _instant(stamp)
    if kind is None or at is None:
        return None
    involved = event.get("involvedObject") or {}
    what = f"{event.get('reason')}: {one_line(str(event.get('message') or ''))}"
    named = str(involved.get("name", ""))
    return Change.model_validate(
        {"at": at, "service": _workload(named, str(involved.get("kind"))), "kind": kind, "what": what}
    )


def _workload(name: str, kind: str) -> str:
    """The workload of a pod or ReplicaSet, whose name goes on with a hash, and of a pod with a suffix, too."""
    parts = {"Pod": 2, "ReplicaSet": 1}.get(kind, 0)
    return "-".join(name.split("-")[:-parts]) or name if parts else name


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
