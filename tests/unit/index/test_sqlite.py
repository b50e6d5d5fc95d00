"""The embedded store keeps what it acknowledged and shows it to every reader."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from steersman.domain.errors import ConfigError, IntegrityError
from steersman.index.image import SMALL, Image
from steersman.index.sqlite import SqliteStore, model_of
from steersman.testing.vector_store_conformance import DIM, StoreConformance, axis, record


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteStore]:
        opened = SqliteStore(tmp_path / "k.db", model="m", dimension=DIM)
        yield opened
        opened.close()


def test_a_reader_sees_what_another_connection_writes_and_removes(tmp_path: Path) -> None:
    writer = SqliteStore(tmp_path / "k.db", model="m", dimension=DIM)
    reader = SqliteStore(tmp_path / "k.db", model="m", dimension=DIM)
    assert reader.search("a", axis(0)[0], limit=1) == []
    writer.put("a", [record("x")], [axis(0)])
    assert [hit.id for hit in reader.search("a", axis(0)[0], limit=1)] == ["x"]
    writer.remove("a", ["x"])
    assert reader.search("a", axis(0)[0], limit=1) == []
    writer.close()
    reader.close()


def test_removed_content_is_not_left_in_the_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "k.db", model="m", dimension=DIM)
    store.put("a", [record("x", secret="hunter2hunter2")], [axis(0)])
    store.remove("a", ["x"])
    store.close()
    assert b"hunter2hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_store_of_another_embedder_is_refused_until_it_is_indexed_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "k.db", model="m", dimension=DIM)
    store.put("a", [record("x", v=1)], [axis(0)])
    store.reindex({"a": [("x", np.ones((1, 4), np.float32))]}, model="other", dimension=4)
    assert [hit.id for hit in store.search("a", np.ones(4, np.float32), limit=1)] == ["x"]
    store.close()
    assert model_of(tmp_path / "k.db") == ("other", 4)
    with pytest.raises(ConfigError, match="re-index"):
        SqliteStore(tmp_path / "k.db", model="m", dimension=DIM)


def test_a_file_that_is_no_store_is_an_integrity_error(tmp_path: Path) -> None:
    (tmp_path / "k.db").write_bytes(b"not a database, but long enough to be looked at" * 40)
    with pytest.raises(IntegrityError, match="restore"):
        SqliteStore(tmp_path / "k.db", model="m", dimension=DIM)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "k.db", model="m", dimension=DIM)
    with pytest.raises(ValueError, match="zip"):
        store.put("a", [record("x"), record("y")], [axis(0)])
    assert list(store.records("a")) == []
    store.close()


def test_two_passes_find_what_one_full_pass_finds() -> None:
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(50, 128))
    rows = centres[rng.integers(0, 50, SMALL * 2)] + 0.6 * rng.normal(size=(SMALL * 2, 128))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    image = Image(128)
    labels = [frozenset({"even"}) if i % 2 == 0 else frozenset() for i in range(len(rows))]
    image.put([str(i) for i in range(len(rows))], list(rows[:, None, :]), labels)
    for query in rows[:40]:
        exact = {str(i) for i in np.argsort(-(rows @ query))[:10]}
        assert len({hit.id for hit in image.search(query, limit=10)} & exact) >= 9
        scores = rows @ query
        scores[1::2] = -1
        even = {str(i) for i in np.argsort(-scores)[:10]}
        assert len({hit.id for hit in image.search(query, limit=10, labels=frozenset({"even"}))} & even) >= 9
