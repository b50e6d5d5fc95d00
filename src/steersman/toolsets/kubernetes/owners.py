"""Whose a pod is: the workload that people speak of, behind ReplicaSets, jobs and generated names."""

from __future__ import annotations

import re

from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.ownership import labels, metadata

HASHES = ("pod-template-hash", "rollouts-pod-template-hash")
"""Labels with the hash that ends the name of a ReplicaSet: of Deployments, and of Argo Rollouts."""
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes names of: no vowels and no digits that read as one."""
_OF_SET = re.compile(rf"-{_RANDOM}{{6,10}}$")
_ENDS = (re.compile(rf"-{_RANDOM}{{6,10}}-{_RANDOM}{{5}}$"), re.compile(r"-[0-9]+$"), re.compile(rf"-{_RANDOM}{{5}}$"))
"""How names of pods end: those of a Deployment, of a StatefulSet, of a DaemonSet or a job."""
_OF_CRON_JOB = re.compile(r"-[0-9]{8,}$")


def workload(pod: Document) -> str:
    """The workload of a pod: by its controller, else by its labels, else its own name."""
    known = labels(pod)
    owner = next((each for each in metadata(pod).get("ownerReferences") or [] if each.get("controller")), None)
    if owner is None:
        name = str(metadata(pod).get("name", ""))
        return known.get("app.kubernetes.io/name") or known.get("app") or name
    kind, name = str(owner.get("kind")), str(owner.get("name", ""))
    marked = next((known[label] for label in HASHES if known.get(label)), "")
    if kind == "ReplicaSet" and marked and name.endswith(f"-{marked}"):
        return name.removesuffix(f"-{marked}")
    return of_name(kind, name)


def of_name(kind: str, name: str) -> str:
    """The workload that an object of some kind belongs to, as far as its name tells."""
    if kind == "Pod":
        end = next((found for each in _ENDS if (found := each.search(name))), None)
        return name[: end.start()] if end and end.start() else name
    end = {"ReplicaSet": _OF_SET, "Job": _OF_CRON_JOB}[kind].search(name) if kind in ("ReplicaSet", "Job") else None
    return name[: end.start()] if end and end.start() else name
