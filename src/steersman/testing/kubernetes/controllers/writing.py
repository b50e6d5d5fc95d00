"""How controllers write: as themselves, and only when something changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from steersman.testing.kubernetes import defaults, ownership
from steersman.testing.kubernetes.kinds import Kind
from steersman.testing.kubernetes.names import spelled
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store

MANAGER = "kube-controller-manager"
HASH_LENGTH = 10


def save(store: Store, was: Document, now: Document, *, manager: str = MANAGER, subresource: str = "") -> None:
    """Writes an object when it differs; a change of spec counts up its generation."""
    if was == now:
        return
    kind = kind_of(store, now)
    if kind.has_generation and was.get("spec") != now.get("spec"):
        now["metadata"]["generation"] = was["metadata"].get("generation", 1) + 1
    writer = ownership.Writer(manager, "Update", subresource, store.stamp())
    now["metadata"]["managedFields"] = ownership.updated(was, now, kind, writer)
    store.put(kind, now)


def save_status(store: Store, document: Document, status: Document, *, manager: str = MANAGER) -> None:
    """Writes a status when it differs."""
    if document.get("status") != status:
        save(store, document, _with_status(document, status), manager=manager, subresource="status")


def _with_status(document: Document, status: Document) -> Document:
    return {**document, "metadata": dict(document["metadata"]), "status": status}


def create(store: Store, document: Document, *, manager: str = MANAGER) -> Document:
    """A new object of a controller's making."""
    kind = kind_of(store, document)
    metadata = document["metadata"]
    metadata["uid"] = store.uid()
    metadata["creationTimestamp"] = store.stamp()
    if kind.has_generation:
        metadata["generation"] = 1
    defaults.fill(kind.kind, document)
    writer = ownership.Writer(manager, "Update", "", store.stamp())
    bare = {name: value for name, value in document.items() if name != "status"}
    metadata["managedFields"] = ownership.updated(None, bare, kind, writer)
    return store.put(kind, document)


def kind_of(store: Store, document: Document) -> Kind:
    """The kind of an object."""
    return next(k for k in store.kinds if (k.api_version, k.kind) == (document["apiVersion"], document["kind"]))


def owner_of(document: Document) -> Document:
    """A controller reference to an object."""
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "name": document["metadata"]["name"],
        "uid": document["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owned(store: Store, qualified: str, owner: Document) -> Iterator[Document]:
    """The objects of a kind that an object controls."""
    for each in store.all(qualified, owner["metadata"].get("namespace", "")):
        for reference in each["metadata"].get("ownerReferences", []):
            if reference.get("uid") == owner["metadata"]["uid"]:
                yield each


def template_hash(template: Document) -> str:
    """A short name of a pod template, the same for the same template."""
    text = json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
    number = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
    return spelled(number, HASH_LENGTH)


def condition(store: Store, former: list[Document], kind: str, status: str, **said: str) -> Document:
    """A condition; its transition time stays as long as its status does."""
    before = next((each for each in former if each["type"] == kind), None)
    now = store.stamp()
    same = before is not None and before["status"] == status
    moved = before["lastTransitionTime"] if same and before else now
    if before is not None and same and all(before.get(name) == value for name, value in said.items()):
        return before
    return {"type": kind, "status": status, "lastUpdateTime": now, "lastTransitionTime": moved, **said}


def tell(store: Store, about: Document, reason: str, message: str, *, warning: bool = False) -> None:
    """An event about an object."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace", "default")
    kind = store.kind("events")
    now = store.stamp()
    store.put(
        kind,
        {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {
                "name": f"{metadata['name']}.{store.version:x}",
                "namespace": namespace,
                "uid": store.uid(),
                "creationTimestamp": now,
            },
            "involvedObject": {
                "kind": about["kind"],
                "namespace": namespace,
                "name": metadata["name"],
                "uid": metadata["uid"],
                "apiVersion": about["apiVersion"],
            },
            "reason": reason,
            "message": message,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": "Warning" if warning else "Normal",
            "source": {"component": MANAGER},
        },
    )
