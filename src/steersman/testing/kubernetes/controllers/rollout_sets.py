"""The ReplicaSets and services of a Rollout."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from steersman.testing.kubernetes.controllers.writing import create, owned, owner_of, save, template_hash
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store

ROLLOUTS = "rollouts.argoproj.io"
HASH = "rollouts-pod-template-hash"
REVISION = "rollout.argoproj.io/revision"
MANAGED = "argo-rollouts.argoproj.io/managed-by-rollouts"
MANAGER = "argo-rollouts"


@dataclass(frozen=True, slots=True)
class Sets:
    """The new ReplicaSet, the stable one, and all that are not new."""

    new: Document
    old: list[Document]
    stable: Document | None
    stable_hash: str

    @property
    def new_hash(self) -> str:
        """The hash of the wanted template."""
        return str(self.new["metadata"]["labels"][HASH])

    @property
    def first(self) -> bool:
        """Whether there is nothing that it replaces."""
        return self.stable_hash in ("", self.new_hash)


def new_set(store: Store, found: Document) -> Document:
    """The ReplicaSet of the wanted template, made when it is not there."""
    label = template_hash(found["spec"]["template"])
    every = list(owned(store, "replicasets.apps", found))
    new = next((each for each in every if each["metadata"]["labels"][HASH] == label), None)
    newest = max((int(each["metadata"]["annotations"][REVISION]) for each in every), default=0)
    if new is None:
        new = create(store, _made(found, label=label, revision=newest + 1), manager=MANAGER)
    elif int(new["metadata"]["annotations"][REVISION]) < newest:
        renumbered = copy.deepcopy(new)
        renumbered["metadata"]["annotations"][REVISION] = str(newest + 1)
        save(store, new, renumbered, manager=MANAGER)
        new = renumbered
    _mark(store, found, str(new["metadata"]["annotations"][REVISION]))
    return new


def sets_of(store: Store, found: Document, new: Document, stable_hash: str) -> Sets:
    """All ReplicaSets of a Rollout, in their roles."""
    old = [
        each for each in owned(store, "replicasets.apps", found) if each["metadata"]["name"] != new["metadata"]["name"]
    ]
    stable = next((each for each in [new, *old] if each["metadata"]["labels"][HASH] == stable_hash), None)
    return Sets(new, old, stable, stable_hash)


def set_replicas(store: Store, found: Document, replicas: int) -> None:
    """Scales a ReplicaSet."""
    current = store.get("replicasets.apps", found["metadata"]["namespace"], found["metadata"]["name"]) or found
    found["spec"]["replicas"] = replicas
    if current["spec"]["replicas"] != replicas:
        save(store, current, {**current, "spec": {**current["spec"], "replicas": replicas}}, manager=MANAGER)


def ready_of(store: Store, found: Document) -> int:
    """How many of its pods pass their probes."""
    current = store.get("replicasets.apps", found["metadata"]["namespace"], found["metadata"]["name"]) or found
    return int(current.get("status", {}).get("readyReplicas", 0))


def point_services(store: Store, found: Document, *, stable: str, new: str) -> None:
    """Lets each service of the strategy select the pods that it is for, and frees those that are no longer named."""
    strategy = found["spec"]["strategy"]
    canary, blue_green = strategy.get("canary") or {}, strategy.get("blueGreen") or {}
    wanted = {
        canary.get("stableService"): stable,
        canary.get("canaryService"): new,
        blue_green.get("activeService"): stable,
        blue_green.get("previewService"): new,
    }
    for service in store.all("services", found["metadata"]["namespace"]):
        name = service["metadata"]["name"]
        mine = service["metadata"].get("annotations", {}).get(MANAGED) == found["metadata"]["name"]
        if name in wanted:
            _point(store, service, found, label=wanted[name])
        elif mine:
            _point(store, service, found, label="")


def _point(store: Store, service: Document, found: Document, *, label: str) -> None:
    now = copy.deepcopy(service)
    now["spec"].setdefault("selector", {}).pop(HASH, None)
    now["metadata"].setdefault("annotations", {}).pop(MANAGED, None)
    if label:
        now["spec"]["selector"][HASH] = label
        now["metadata"]["annotations"][MANAGED] = found["metadata"]["name"]
    save(store, service, now, manager=MANAGER)


def _mark(store: Store, found: Document, revision: str) -> None:
    if found["metadata"].get("annotations", {}).get(REVISION) != revision:
        marked = copy.deepcopy(found)
        marked["metadata"].setdefault("annotations", {})[REVISION] = revision
        save(store, found, marked, manager=MANAGER)
        found["metadata"] = marked["metadata"]


def _made(found: Document, *, label: str, revision: int) -> Document:
    template = copy.deepcopy(found["spec"]["template"])
    template["metadata"].setdefault("labels", {})[HASH] = label
    selector = {"matchLabels": {**found["spec"]["selector"].get("matchLabels", {}), HASH: label}}
    return {
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": f"{found['metadata']['name']}-{label}",
            "namespace": found["metadata"]["namespace"],
            "labels": dict(template["metadata"]["labels"]),
            "annotations": {REVISION: str(revision)},
            "ownerReferences": [owner_of(found)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    }
