"""Deployments: a ReplicaSet for each template, replaced pod by pod within surge and unavailability."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

from steersman.testing.kubernetes.controllers.writing import (
    condition,
    create,
    owned,
    owner_of,
    save,
    save_status,
    tell,
    template_hash,
)
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store
from steersman.testing.kubernetes.subresources import portion

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


def deploy(store: Store) -> None:
    """Takes one step with every Deployment."""
    for found in store.all("deployments.apps"):
        if found["metadata"].get("deletionTimestamp"):
            continue
        sets = list(owned(store, "replicasets.apps", found))
        if not found["spec"].get("paused"):
            sets = _stepped(store, found, sets)
        now = store.get("deployments.apps", found["metadata"]["namespace"], found["metadata"]["name"])
        if now is not None:
            save_status(store, now, _status(store, now, sets))


def _stepped(store: Store, found: Document, sets: list[Document]) -> list[Document]:
    new = next((each for each in sets if _is_of(each, found)), None)
    revisions = [int(each["metadata"]["annotations"][REVISION]) for each in sets]
    if new is None:
        new = create(store, _replica_set(found, revision=max(revisions, default=0) + 1))
        tell(store, found, "ScalingReplicaSet", f"Scaled up replica set {new['metadata']['name']}")
    elif int(new["metadata"]["annotations"][REVISION]) < max(revisions):
        renumbered = copy.deepcopy(new)
        renumbered["metadata"]["annotations"][REVISION] = str(max(revisions) + 1)
        save(store, new, renumbered)
        new = renumbered
    revision = new["metadata"]["annotations"][REVISION]
    if found["metadata"].get("annotations", {}).get(REVISION) != revision:
        marked = copy.deepcopy(found)
        marked["metadata"].setdefault("annotations", {})[REVISION] = revision
        save(store, found, marked)
    _scale(store, found, new, [each for each in sets if each["metadata"]["name"] != new["metadata"]["name"]])
    return list(owned(store, "replicasets.apps", found))


def _is_of(replica_set: Document, found: Document) -> bool:
    return bool(replica_set["metadata"]["labels"][HASH] == template_hash(found["spec"]["template"]))


def _replica_set(found: Document, *, revision: int) -> Document:
    template = copy.deepcopy(found["spec"]["template"])
    label = template_hash(template)
    template["metadata"].setdefault("labels", {})[HASH] = label
    selector = {"matchLabels": {**found["spec"]["selector"].get("matchLabels", {}), HASH: label}}
    return {
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": f"{found['metadata']['name']}-{label}",
            "namespace": found["metadata"]["namespace"],
            "labels": dict(template["metadata"]["labels"]),
            "annotations": {**_causes(found), REVISION: str(revision)},
            "ownerReferences": [owner_of(found)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }


def _causes(found: Document) -> Document:
    return {
        name: value for name, value in found["metadata"].get("annotations", {}).items()
        if name != REVISION and not name.startswith("kubectl.kubernetes.io/last-applied")
    }  # fmt: skip


def _scale(store: Store, found: Document, new: Document, old: list[Document]) -> None:
    wanted = found["spec"]["replicas"]
    rolling = found["spec"]["strategy"].get("rollingUpdate")
    surge = portion(rolling["maxSurge"], wanted, up=True) if rolling else 0
    missing = portion(rolling["maxUnavailable"], wanted, up=False) if rolling else wanted
    if surge == 0 and missing == 0:
        missing = 1
    total = sum(each["spec"]["replicas"] for each in [new, *old])
    room = max(wanted + surge - total, 0)
    _set(store, new, min(wanted, new["spec"]["replicas"] + room))
    ready = sum(each.get("status", {}).get("readyReplicas", 0) for each in [new, *old])
    for each in sorted(old, key=lambda s: s.get("status", {}).get("readyReplicas", 0)):
        idle = each["spec"]["replicas"] - each.get("status", {}).get("readyReplicas", 0)
        spare = max(ready - (wanted - missing), 0)
        taken = min(each["spec"]["replicas"], max(idle, 0) + spare)
        _set(store, each, each["spec"]["replicas"] - taken)
        ready -= max(taken - max(idle, 0), 0)


def _set(store: Store, found: Document, replicas: int) -> None:
    if found["spec"]["replicas"] != replicas:
        current = store.get("replicasets.apps", found["metadata"]["namespace"], found["metadata"]["name"]) or found
        save(store, current, {**current, "spec": {**current["spec"], "replicas": replicas}})


def _status(store: Store, found: Document, sets: list[Document]) -> Document:
    wanted = found["spec"]["replicas"]
    new = next((each for each in sets if _is_of(each, found)), None)
    updated = new.get("status", {}).get("replicas", 0) if new else 0
    ready = sum(each.get("status", {}).get("readyReplicas", 0) for each in sets)
    total = sum(each.get("status", {}).get("replicas", 0) for each in sets)
    fresh = new.get("status", {}).get("readyReplicas", 0) if new else 0
    status: Document = {"observedGeneration": found["metadata"]["generation"], "terminatingReplicas": 0}
    counted = {"replicas": total, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready}
    status |= {name: value for name, value in counted.items() if value}
    if wanted > ready:
        status["unavailableReplicas"] = wanted - ready
    done = new is not None and updated == wanted and fresh == wanted and total == wanted
    status["conditions"] = _conditions(store, found, new, ready=ready, done=done)
    return status


def _conditions(store: Store, found: Document, new: Document | None, *, ready: int, done: bool) -> list[Document]:
    former = found.get("status", {}).get("conditions", [])
    wanted = found["spec"]["replicas"]
    rolling = found["spec"]["strategy"].get("rollingUpdate")
    least = wanted - (portion(rolling["maxUnavailable"], wanted, up=False) if rolling else 0)
    has = ready >= max(least, 0)
    available = condition(
        store, former, "Available", "True" if has else "False",
        reason="MinimumReplicasAvailable" if has else "MinimumReplicasUnavailable",
        message=f"Deployment {'has' if has else 'does not have'} minimum availability.",
    )  # fmt: skip
    return [available, _progress(store, found, new, former=former, done=done)]


def _progress(store: Store, found: Document, new: Document | None, *, former: list[Document], done: bool) -> Document:
    name = new["metadata"]["name"] if new else ""
    if found["spec"].get("paused"):
        said = {"reason": "DeploymentPaused", "message": "Deployment is paused"}
        return condition(store, former, "Progressing", "Unknown", **said)
    if done:
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return condition(store, former, "Progressing", "True", reason="NewReplicaSetAvailable", message=message)
    before = next((each for each in former if each["type"] == "Progressing"), None)
    same = before is not None and f'"{name}"' in before["message"]
    if before is not None and same and before["reason"] == "ProgressDeadlineExceeded":
        return before
    if before is not None and same and before["reason"] == "ReplicaSetUpdated" and _late(store, found, before):
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return condition(store, former, "Progressing", "False", reason="ProgressDeadlineExceeded", message=message)
    message = f'ReplicaSet "{name}" is progressing.'
    return condition(store, former, "Progressing", "True", reason="ReplicaSetUpdated", message=message)


def _late(store: Store, found: Document, before: Document) -> bool:
    since = datetime.strptime(before["lastUpdateTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return bool((store.now() - since).total_seconds() > found["spec"]["progressDeadlineSeconds"])
