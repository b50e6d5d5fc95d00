"""ReplicaSets: as many pods as are wanted."""

from __future__ import annotations

from steersman.testing.kubernetes.controllers.writing import create, owned, owner_of, save_status
from steersman.testing.kubernetes.names import spelled
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store
from steersman.testing.kubernetes.subresources import is_ready


def replicate(store: Store) -> None:
    """Makes and deletes pods of every ReplicaSet, and counts them."""
    for found in store.all("replicasets.apps"):
        pods = list(owned(store, "pods", found))
        wanted = found["spec"].get("replicas", 0)
        for index in range(wanted - len(pods)):
            _add(store, found, index)
        for pod in sorted(pods, key=is_ready)[: max(len(pods) - wanted, 0)]:
            store.remove(store.kind("pods"), pod)
        ready = sum(is_ready(pod) for pod in owned(store, "pods", found))
        status: Document = {"replicas": wanted, "observedGeneration": found["metadata"]["generation"]}
        if wanted:
            status |= {"fullyLabeledReplicas": wanted}
        if ready:
            status |= {"readyReplicas": ready, "availableReplicas": ready}
        save_status(store, found, status)


def _add(store: Store, found: Document, index: int) -> None:
    template = found["spec"]["template"]
    name = found["metadata"]["name"]
    create(
        store,
        {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "name": f"{name}-{spelled(store.version * 1_000 + index)}",
                "generateName": f"{name}-",
                "namespace": found["metadata"]["namespace"],
                "labels": dict(template["metadata"].get("labels", {})),
                "annotations": dict(template["metadata"].get("annotations", {})),
                "ownerReferences": [owner_of(found)],
            },
            "spec": {**template["spec"], "containers": [dict(each) for each in template["spec"]["containers"]]},
        },
    )
