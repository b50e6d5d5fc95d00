"""What every vector store must do: a test class inherits this and gives a `store` fixture."""

from __future__ import annotations

import math

import numpy as np
from pydantic import JsonValue

from steersman.index.embedders import Vectors
from steersman.index.store import Record, VectorStore

DIM = 8


def axis(index: int) -> Vectors:
    """A unit vector."""
    vector = np.zeros((1, DIM), np.float32)
    vector[0, index] = 1
    return vector


def record(identity: str, *labels: str, **document: JsonValue) -> Record:
    """An entry with these labels and this document."""
    return Record.model_validate({"id": identity, "document": document, "labels": labels})


class StoreConformance:
    """Inherit as `TestX(StoreConformance)`."""

    def test_the_nearest_comes_first(self, store: VectorStore) -> None:
        """The nearest comes first."""
        store.put("a", [record("x"), record("y")], [axis(0), axis(1)])
        near = (axis(0) * 0.9 + axis(1) * 0.4)[0]
        hits = store.search("a", near, limit=5)
        assert [hit.id for hit in hits] == ["x", "y"]
        assert math.isclose(hits[0].score, 0.9, abs_tol=1e-5)

    def test_an_entry_is_found_by_its_nearest_part_and_once(self, store: VectorStore) -> None:
        """An entry is found by its nearest part and once."""
        store.put("a", [record("x"), record("y")], [np.concatenate([axis(0), axis(2)]), axis(1)])
        hits = store.search("a", axis(2)[0], limit=5)
        assert [hit.id for hit in hits] == ["x", "y"]
        assert math.isclose(hits[0].score, 1.0, abs_tol=1e-5)

    def test_documents_come_back_as_they_were(self, store: VectorStore) -> None:
        """Documents come back as they were."""
        kept = record("배포:x", "platform=lab", goal="트래픽 'x' \" \\ ✓", deep={"a": [1, None, True]})
        store.put("a", [kept], [axis(0)])
        assert list(store.records("a")) == [kept]

    def test_what_is_put_again_replaces_what_was(self, store: VectorStore) -> None:
        """What is put again replaces what was."""
        store.put("a", [record("x", "old", v=1)], [np.concatenate([axis(0), axis(3)])])
        store.put("a", [record("x", "new", v=2)], [axis(1)])
        assert [r.document for r in store.records("a")] == [{"v": 2}]
        assert math.isclose(store.search("a", axis(0)[0], limit=5)[0].score, 0, abs_tol=1e-5)
        assert store.search("a", axis(1)[0], limit=5, labels=frozenset({"old"})) == []

    def test_what_is_removed_is_gone_at_once(self, store: VectorStore) -> None:
        """What is removed is gone at once."""
        store.put("a", [record("x"), record("y")], [axis(0), axis(1)])
        store.search("a", axis(0)[0], limit=1)
        assert store.remove("a", ["x", "never"]) == 1
        assert [hit.id for hit in store.search("a", axis(0)[0], limit=5)] == ["y"]
        assert [r.id for r in store.records("a")] == ["y"]

    def test_all_labels_must_be_there(self, store: VectorStore) -> None:
        """All labels must be there."""
        store.put("a", [record("x", "k8s", "prod"), record("y", "k8s")], [axis(0), axis(0)])
        found = store.search("a", axis(0)[0], limit=5, labels=frozenset({"k8s", "prod"}))
        assert [hit.id for hit in found] == ["x"]
        assert store.search("a", axis(0)[0], limit=5, labels=frozenset({"none"})) == []

    def test_namespaces_do_not_see_each_other(self, store: VectorStore) -> None:
        """Namespaces do not see each other."""
        store.put("a", [record("x", who="a")], [axis(0)])
        store.put("b", [record("x", who="b")], [axis(0)])
        store.remove("a", ["x"])
        assert store.search("a", axis(0)[0], limit=5) == []
        assert [r.document for r in store.records("b")] == [{"who": "b"}]

    def test_an_empty_namespace_holds_nothing(self, store: VectorStore) -> None:
        """An empty namespace holds nothing."""
        assert store.search("empty", axis(0)[0], limit=5) == []
        assert list(store.records("empty")) == []
