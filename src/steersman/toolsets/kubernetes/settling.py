"""How things do, read out of status: only when the controller has seen what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steersman.domain.fact import JsonObject
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.objects import spec, status
from steersman.remote.kubernetes.ownership import metadata
from steersman.remote.text import one_line


@dataclass(frozen=True, slots=True)
class Progress:
    """How a workload does."""

    settled: bool
    """Whether it has come to an end, good or bad."""
    ready: bool
    reason: str
    ready_replicas: int = 0


def conditions(document: Document) -> dict[str, dict[str, Any]]:
    """Conditions by type."""
    return {str(each.get("type")): dict(each) for each in status(document).get("conditions") or []}


def is_observed(document: Document) -> bool:
    """Whether status speaks of the present spec: right after a change it still tells of the one before."""
    seen = status(document).get("observedGeneration")
    return int(seen or 0) >= int(metadata(document).get("generation") or 0)


def rollout(document: Document | None) -> Progress:
    """How far a Deployment is. Source: `kubectl rollout status`, as recorded servers bear it out."""
    if document is None:
        return Progress(settled=True, ready=False, reason="there is no such Deployment")
    held, wanted = status(document), int(spec(document).get("replicas", 1))
    count = {
        name: int(held.get(name) or 0) for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    }
    ready = count["readyReplicas"]
    if not is_observed(document):
        return Progress(
            settled=False, ready=False, reason="the controller has not seen the change yet", ready_replicas=ready
        )
    progressing = conditions(document).get("Progressing", {})
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        said = one_line(str(progressing.get("message", "")))
        return Progress(settled=True, ready=False, reason=f"ProgressDeadlineExceeded: {said}", ready_replicas=ready)
    if spec(document).get("paused"):
        return Progress(settled=True, ready=False, reason="the rollout is paused", ready_replicas=ready)
    if count["updatedReplicas"] < wanted:
        why = f"{count['updatedReplicas']} of {wanted} pods have the new template"
    elif count["replicas"] > count["updatedReplicas"]:
        why = f"{count['replicas'] - count['updatedReplicas']} old pods are still there"
    elif count["availableReplicas"] < wanted:
        why = f"{count['availableReplicas']} of {wanted} pods are available"
    else:
        return Progress(settled=True, ready=True, reason="", ready_replicas=ready)
    return Progress(settled=False, ready=False, reason=why, ready_replicas=ready)


def job(document: Document | None) -> Progress:
    """Whether a Job has come to its end."""
    if document is None:
        return Progress(settled=True, ready=False, reason="there is no such Job")
    found = conditions(document)
    for name, ready in (("Complete", True), ("Failed", False)):
        each = found.get(name, {})
        if each.get("status") == "True":
            return Progress(settled=True, ready=ready, reason="" if ready else one_line(str(each.get("reason", ""))))
    return Progress(settled=False, ready=False, reason="it runs")


def node(document: Document | None) -> JsonObject:
    """How a node does."""
    found = conditions(document) if document else {}
    return {
        "ready": found.get("Ready", {}).get("status") == "True",
        "disk_pressure": found.get("DiskPressure", {}).get("status") == "True",
    }
