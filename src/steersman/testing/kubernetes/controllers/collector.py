"""The garbage collector, and the end of namespaces."""

from __future__ import annotations

from steersman.testing.kubernetes.controllers.writing import kind_of
from steersman.testing.kubernetes.store import Store


def collect(store: Store) -> None:
    """Deletes what has lost its controller, and all that is in a namespace that ends."""
    alive = {each["metadata"].get("uid") for each in store.objects.values()}
    ending = {n["metadata"]["name"] for n in store.all("namespaces") if n["metadata"].get("deletionTimestamp")}
    for place, each in list(store.objects.items()):
        references = each["metadata"].get("ownerReferences", [])
        orphan = bool(references) and all(reference["uid"] not in alive for reference in references)
        if (orphan or place[1] in ending) and not each["metadata"].get("finalizers"):
            store.remove(kind_of(store, each), each)
    for name in ending:
        if not any(place[1] == name for place in store.objects):
            namespace = store.get("namespaces", "", name)
            if namespace is not None:
                store.remove(store.kind("namespaces"), namespace)
