"""What was done in a cluster, out of its events and rollouts. Numbers, logs and spans come from other sources."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from steersman.domain.errors import NoSourceError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.remote.kubernetes.api import Api, Document
from steersman.remote.kubernetes.ownership import metadata
from steersman.remote.kubernetes.resources import EVENTS, REPLICA_SETS
from steersman.remote.text import one_line
from steersman.toolsets.kubernetes.owners import of_name
from steersman.toolsets.kubernetes.trouble import instant

ARRIVED = {"ScalingReplicaSet": "scale", "SuccessfulRescale": "scale", "RolloutUpdated": "deploy", "Killing": "restart",
           "RolloutAborted": "deploy", "BackOff": "restart"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KubernetesSource:
    """Implements `domain.ports.Source` with what a cluster knows: who did what when.

    Logs of pods are read by `kubernetes.logs`: told here as well, they would stand twice beside a source of all logs.
    """

    api: Api
    namespace: str

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """Raises NoSourceError: a cluster keeps no numbers."""
        del window
        raise NoSourceError(f"kubernetes has no {signal} of {selector}; a source such as prometheus has")

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Raises NoSourceError."""
        del window, limit
        raise NoSourceError(f"kubernetes keeps no logs of {selector} to search; a source such as loki does")

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Raises NoSourceError."""
        del window, limit
        raise NoSourceError(f"kubernetes has no spans of {selector}; a source such as tempo has")

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Rollouts, scalings, restarts of a window, oldest first."""
        sets, events = await asyncio.gather(
            self.api.every(REPLICA_SETS.path(self.namespace)), self.api.every(EVENTS.path(self.namespace))
        )
        found = [*filter(None, map(_deployed, sets)), *filter(None, map(_happened, events))]
        return tuple(sorted((c for c in found if window.start <= c.at < window.end), key=lambda change: change.at))


def _deployed(replica_set: Document) -> Change | None:
    """A new ReplicaSet is a new version: its creation is when it was rolled out."""
    owners = metadata(replica_set).get("ownerReferences") or []
    at = instant(str(metadata(replica_set).get("creationTimestamp", "")))
    if not owners or at is None:
        return None
    containers = (((replica_set.get("spec") or {}).get("template") or {}).get("spec") or {}).get("containers") or [{}]
    image = one_line(str(containers[0].get("image", "")))
    return Change(at=at, service=str(owners[0].get("name", "")), kind="deploy", what=f"image {image}")


def _happened(event: Document) -> Change | None:
    kind = ARRIVED.get(str(event.get("reason")))
    stamp = str(event.get("lastTimestamp") or event.get("eventTime") or metadata(event).get("creationTimestamp") or "")
    at = instant(stamp)
    if kind is None or at is None:
        return None
    involved = event.get("involvedObject") or {}
    what = f"{event.get('reason')}: {one_line(str(event.get('message') or ''))}"
    named = str(involved.get("name", ""))
    return Change.model_validate(
        {"at": at, "service": of_name(str(involved.get("kind")), named), "kind": kind, "what": what}
    )
