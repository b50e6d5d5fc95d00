"""Objects in memory, each with a version; every change is kept for those who watch, until it is compacted."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from steersman.testing.kubernetes.kinds import KINDS, Kind
from steersman.testing.kubernetes.status import Document

Place = tuple[str, str, str]
"""Qualified plural, namespace, name."""
KEPT_EVENTS = 2_000


def copied(value: Any) -> Any:
    """A copy of JSON: far cheaper than `deepcopy`, which must reckon with more."""
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}
    return [copied(each) for each in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Happening:
    """One change, as a watch tells it."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    resource: str
    document: Document
    former: Document | None = None


@dataclass(slots=True)
class Store:
    """All objects of one cluster."""

    name: str = "double"
    kinds: tuple[Kind, ...] = KINDS
    version: int = 1
    compacted: int = 0
    """Versions up to this one can be watched from no more."""
    objects: dict[Place, Document] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    clock: float | None = None
    """Unix seconds; None takes the machine's."""

    def now(self) -> datetime:
        """The time of the cluster."""
        return datetime.now(UTC) if self.clock is None else datetime.fromtimestamp(self.clock, UTC)

    def stamp(self) -> str:
        """The time, as Kubernetes writes it."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def kind(self, qualified: str) -> Kind:
        """The kind of that qualified plural."""
        return next(each for each in self.kinds if each.qualified == qualified)

    def get(self, qualified: str, namespace: str, name: str) -> Document | None:
        """A copy of an object, or None."""
        found = self.objects.get((qualified, namespace, name))
        return dict(copied(found)) if found is not None else None

    def all(self, qualified: str, namespace: str = "") -> Iterator[Document]:
        """Copies of the objects of a kind, in order of namespace and name."""
        for place in sorted(self.objects):
            if place[0] == qualified and namespace in ("", place[1]):
                yield copied(self.objects[place])

    def uid(self) -> str:
        """An identity that no other object of a cluster of this name has."""
        digest = hashlib.sha256(f"{self.name}/{self.version}/{len(self.objects)}".encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"

    def put(self, kind: Kind, document: Document) -> Document:
        """Stores an object under a new version, and tells it."""
        metadata = document["metadata"]
        place = (kind.qualified, metadata.get("namespace", ""), metadata["name"])
        former = self.objects.get(place)
        self.version += 1
        metadata["resourceVersion"] = str(self.version)
        kept = copied(document)
        self.objects[place] = kept
        self._tell("MODIFIED" if former is not None else "ADDED", kind, kept, former)
        return document

    def remove(self, kind: Kind, document: Document) -> None:
        """Takes an object away, and tells it."""
        metadata = document["metadata"]
        former = self.objects.pop((kind.qualified, metadata.get("namespace", ""), metadata["name"]), None)
        if former is None:
            return
        self.version += 1
        gone = copied(document)
        gone["metadata"]["resourceVersion"] = str(self.version)
        self._tell("DELETED", kind, gone, former)

    def compact(self) -> None:
        """Forgets all that has happened so far: whoever watches from before is told 410."""
        self.compacted = self.version
        self.happenings.clear()

    def _tell(
        self,
        what: Literal["ADDED", "MODIFIED", "DELETED"],
        kind: Kind,
        document: Document,
        former: Document | None,
    ) -> None:
        self.happenings.append(Happening(self.version, what, kind.qualified, document, former))
        if len(self.happenings) > KEPT_EVENTS:
            self.compacted = self.happenings[0].version
            del self.happenings[0]
        self.stirred.set()
        self.stirred = asyncio.Event()
