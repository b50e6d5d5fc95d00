"""The same store on a Qdrant server, for teams."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steersman.domain.errors import ConfigError
from steersman.index.embedders import Vectors
from steersman.index.store import Hit, Record

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_SPACE = uuid.UUID("6f6b1b0e-9f5e-4a57-9d0c-5d3a3c1f2b11")
_PAGE = 500
_PARTS = 4
"""Vectors of one entry, at most: so many hits are asked for each wanted entry."""


def open_qdrant(url: str, *, model: str, dimension: int) -> QdrantStore:
    """A store on the server at a URL; the key comes from `api-key` in its query, if any. Raises ConfigError."""
    try:
        from qdrant_client import QdrantClient
    except ImportError as e:
        raise ConfigError("a Qdrant store needs 'qdrant-client'; install steersman[qdrant]") from e
    address, _, key = url.partition("?api-key=")
    return QdrantStore(QdrantClient(url=address, api_key=key or None), model=model, dimension=dimension)


class QdrantStore:
    """Implements `VectorStore`: one collection for an embedder, a namespace is a part of it."""

    def __init__(self, client: QdrantClient, *, model: str, dimension: int) -> None:
        """Makes the collection where it is missing."""
        from qdrant_client import models

        self._client, self._models = client, models
        self._dimension = dimension
        self._name = "steersman-" + "".join(c if c.isalnum() else "-" for c in model)
        if not client.collection_exists(self._name):
            size = models.VectorParams(size=dimension, distance=models.Distance.DOT)
            client.create_collection(self._name, vectors_config=size)

    def close(self) -> None:
        """Lets go of the connection."""
        self._client.close()

    def put(self, namespace: str, records: Sequence[Record], vectors: Sequence[Vectors]) -> None:
        """Durable when it returns (`wait`). Parts that an entry had before and has no longer are removed first."""
        self.remove(namespace, [record.id for record in records])
        points = [
            self._models.PointStruct(
                id=str(uuid.uuid5(_SPACE, f"{namespace}/{record.id}/{part}")),
                vector=[float(x) for x in vector],
                payload=_payload(namespace, record, part),
            )
            for record, parts in zip(records, vectors, strict=True)
            for part, vector in enumerate(np.asarray(parts).reshape(-1, self._dimension))
        ]
        for start in range(0, len(points), _PAGE):
            self._client.upsert(self._name, points=points[start : start + _PAGE], wait=True)

    def remove(self, namespace: str, ids: Sequence[str]) -> int:
        """Durable when it returns."""
        where = self._where(namespace, extra=[("id", list(ids))])
        first = self._where(namespace, extra=[("id", list(ids)), ("part", [0])])
        gone = self._client.count(self._name, count_filter=first, exact=True).count
        self._client.delete(self._name, points_selector=self._models.FilterSelector(filter=where), wait=True)
        return int(gone)

    def search(self, namespace: str, vector: Vectors, *, limit: int, labels: frozenset[str] = frozenset()) -> list[Hit]:
        """The nearest entries, each by its nearest part."""
        where = self._where(namespace, extra=[("labels", [label]) for label in sorted(labels)])
        asked = [float(x) for x in vector]
        found = self._client.query_points(
            self._name, query=asked, query_filter=where, limit=limit * _PARTS, with_payload=["id"]
        )
        best: dict[str, float] = {}
        for point in found.points:
            best.setdefault(str((point.payload or {})["id"]), float(point.score))
        return [Hit(identity, score) for identity, score in best.items()][:limit]

    def records(self, namespace: str) -> Iterator[Record]:
        """All entries, by id."""
        where, after, held = self._where(namespace, extra=[("part", [0])]), None, []
        while True:
            points, after = self._client.scroll(self._name, scroll_filter=where, limit=_PAGE, offset=after)
            held += [point.payload or {} for point in points]
            if after is None:
                break
        for payload in sorted(held, key=lambda payload: str(payload["id"])):
            yield Record(id=payload["id"], document=payload["document"], labels=frozenset(payload["labels"]))

    def _where(self, namespace: str, *, extra: list[tuple[str, list[Any]]]) -> Any:
        models = self._models
        must = [models.FieldCondition(key="namespace", match=models.MatchValue(value=namespace))]
        must += [models.FieldCondition(key=key, match=models.MatchAny(any=values)) for key, values in extra]
        return models.Filter(must=list(must))


def _payload(namespace: str, record: Record, part: int) -> dict[str, Any]:
    labels = sorted(record.labels)
    return {"namespace": namespace, "id": record.id, "part": part, "labels": labels, "document": record.document}
