"""What every vector store offers, and what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from steersman.domain.fact import Fact, JsonObject
from steersman.index.embedders import Vectors


class Record(Fact):
    """One entry: a document, and labels that searches filter by."""

    id: str
    document: JsonObject
    labels: frozenset[str] = frozenset()
    """Such as `platform=kubernetes`."""


class Hit(NamedTuple):
    """An entry that was found, and the cosine of its nearest vector."""

    id: str
    score: float


class VectorStore(Protocol):
    """Keeps entries with their vectors, apart for each namespace. Every write is durable when it returns."""

    def put(self, namespace: str, records: Sequence[Record], vectors: Sequence[Vectors]) -> None:
        """Holds these, instead of what was held under their ids; all or none. `vectors`: `(parts, dim)` for each."""
        ...

    def remove(self, namespace: str, ids: Sequence[str]) -> int:
        """Forgets these for good; how many there were."""
        ...

    def search(self, namespace: str, vector: Vectors, *, limit: int, labels: frozenset[str] = frozenset()) -> list[Hit]:
        """The nearest entries that carry all of the labels, best first."""
        ...

    def records(self, namespace: str) -> Iterator[Record]:
        """All entries, by id."""
        ...
