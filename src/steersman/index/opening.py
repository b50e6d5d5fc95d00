"""Opens a knowledge base: embedded by default, on a server by URL; and indexes it again for another embedder."""

from __future__ import annotations

from pathlib import Path

from steersman.domain.errors import ConfigError
from steersman.domain.ports import Embedder
from steersman.domain.scenario import Scenario
from steersman.index.base import BOOKS, DEFAULT, KnowledgeBase
from steersman.index.sqlite import SqliteStore
from steersman.index.store import VectorStore

WORDS_ONLY = "words-only"
FILE = "knowledge.db"


def open_base(home: Path, *, embedder: Embedder | None, namespace: str = DEFAULT, url: str = "") -> KnowledgeBase:
    """The knowledge base of a home, or the one at a URL (`qdrant+http://...`, `postgresql://...`).

    Raises ConfigError when it was indexed by another embedder.
    """
    return KnowledgeBase(open_store(home, embedder=embedder, url=url), embedder, namespace)


def open_store(home: Path, *, embedder: Embedder | None, url: str = "") -> VectorStore:
    """The store alone."""
    model = embedder.name if embedder else WORDS_ONLY
    dimension = embedder.dimension if embedder else 1
    if not url:
        return SqliteStore(home / FILE, model=model, dimension=dimension)
    if url.startswith("qdrant+"):
        from steersman.index.qdrant import open_qdrant

        return open_qdrant(url.removeprefix("qdrant+"), model=model, dimension=dimension)
    if url.startswith(("postgresql://", "postgres://")):
        from steersman.index.pgvector import open_pgvector

        return open_pgvector(url, model=model, dimension=dimension)
    raise ConfigError(f"no knowledge store at {url!r}: give a qdrant+http(s):// or postgresql:// URL, or none")


def reindex(home: Path, *, embedder: Embedder | None) -> int:
    """Gives every entry of the embedded store the vectors of this embedder; how many there were.

    All in one transaction: a kill leaves the old index or the new one.
    """
    from steersman.index.sqlite import model_of

    held = model_of(home / FILE)
    if held is None:
        return 0
    store = SqliteStore(home / FILE, model=held[0], dimension=held[1])
    base = KnowledgeBase(store, embedder)
    blocks = {}
    for name in store.namespaces():
        records = list(store.records(name))
        scenarios = [Scenario.model_validate(r.document) for r in records if r.document.get("kind") not in BOOKS]
        vectors = dict(zip((str(s.id) for s in scenarios), base.vectors(scenarios), strict=True))
        blocks[name] = [(r.id, vectors.get(r.id, base.nothing())) for r in records]
    dimension = embedder.dimension if embedder else 1
    store.reindex(blocks, model=embedder.name if embedder else WORDS_ONLY, dimension=dimension)
    store.close()
    return sum(len(block) for block in blocks.values())
