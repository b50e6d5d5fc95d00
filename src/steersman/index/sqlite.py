"""The embedded store: SQLite holds the truth, memory holds an image of it for searching.

One file. WAL with synchronous=FULL: a write that returned survives a kill, one that did not return has left nothing.
Readers in other processes see each write at their next search.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from steersman.domain.errors import ConfigError, IntegrityError, UnavailableError
from steersman.index.embedders import Vectors
from steersman.index.image import Image
from steersman.index.store import Hit, Record

SCHEMA = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entry (
  namespace TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, labels TEXT NOT NULL,
  document TEXT, vectors BLOB, UNIQUE (namespace, id));
CREATE INDEX IF NOT EXISTS entry_seq ON entry (namespace, seq);
"""
"""A removed entry stays as a row without document, so that readers learn of it; its content is gone."""


class SqliteStore:
    """Implements `VectorStore`. Not for several threads at once; several processes are fine."""

    def __init__(self, path: Path, *, model: str, dimension: int) -> None:
        """Opens or makes the file. Raises ConfigError when it was indexed by another model: re-index first."""
        self._dimension = dimension
        self._images: dict[str, tuple[int, Image]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.executescript(_TABLES)
        except sqlite3.DatabaseError as e:
            raise IntegrityError(f"{str(path)!r} is no knowledge store: {e}; restore it from a backup") from e
        try:
            self._adopt(path, model)
        except ConfigError:
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def put(self, namespace: str, records: Sequence[Record], vectors: Sequence[Vectors]) -> None:
        """Durable when it returns; all or none."""
        blocks = [np.asarray(parts, np.float32).reshape(-1, self._dimension) for parts in vectors]
        with self._writing() as db:
            seq = self._next(namespace)
            db.executemany(
                "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (namespace, record.id, seq, json.dumps(sorted(record.labels)), _plain(record), block.tobytes())
                    for record, block in zip(records, blocks, strict=True)
                ),
            )

    def remove(self, namespace: str, ids: Sequence[str]) -> int:
        """Durable when it returns; documents and vectors are overwritten in the file."""
        with self._writing() as db:
            seq = self._next(namespace)
            gone = 0
            for identity in ids:
                gone += db.execute(
                    "UPDATE entry SET seq = ?, labels = '[]', document = NULL, vectors = NULL"
                    " WHERE namespace = ? AND id = ? AND document IS NOT NULL",
                    (seq, namespace, identity),
                ).rowcount
            return gone

    def reindex(self, blocks: Mapping[str, Sequence[tuple[str, Vectors]]], *, model: str, dimension: int) -> None:
        """Puts other vectors under the entries of namespaces; a kill leaves the old index or the new one."""
        with self._writing() as db:
            for namespace, vectors in blocks.items():
                seq = self._next(namespace)
                db.executemany(
                    "UPDATE entry SET seq = ?, vectors = ? WHERE namespace = ? AND id = ? AND document IS NOT NULL",
                    (
                        (seq, np.asarray(block, np.float32).tobytes(), namespace, identity)
                        for identity, block in vectors
                    ),
                )
            self._remember("model", model)
            self._remember("dimension", str(dimension))
        self._dimension = dimension
        self._images.clear()

    def search(self, namespace: str, vector: Vectors, *, limit: int, labels: frozenset[str] = frozenset()) -> list[Hit]:
        """The nearest entries of the present state of the file."""
        return self._image(namespace).search(np.asarray(vector, np.float32), limit=limit, labels=labels)

    def records(self, namespace: str) -> Iterator[Record]:
        """All entries, by id."""
        rows = self._db.execute(
            "SELECT id, labels, document FROM entry WHERE namespace = ? AND document IS NOT NULL ORDER BY id",
            (namespace,),
        )
        for identity, labels, document in rows:
            yield Record(id=identity, document=json.loads(document), labels=frozenset(json.loads(labels)))

    def namespaces(self) -> list[str]:
        """Namespaces that hold anything."""
        rows = self._db.execute("SELECT DISTINCT namespace FROM entry WHERE document IS NOT NULL ORDER BY 1")
        return [name for (name,) in rows]

    def _image(self, namespace: str) -> Image:
        seen, image = self._images.get(namespace, (0, Image(self._dimension)))
        newest = self._db.execute("SELECT coalesce(max(seq), 0) FROM entry WHERE namespace = ?", (namespace,))
        (latest,) = newest.fetchone()
        if latest != seen:
            rows = self._db.execute(
                "SELECT id, labels, vectors FROM entry WHERE namespace = ? AND seq > ?", (namespace, seen)
            ).fetchall()
            image.remove([identity for identity, _, vectors in rows if vectors is None])
            kept = [row for row in rows if row[2] is not None]
            image.put(
                [row[0] for row in kept],
                [np.frombuffer(row[2], np.float32).reshape(-1, self._dimension) for row in kept],
                [frozenset(json.loads(row[1])) for row in kept],
            )
            self._images[namespace] = (latest, image)
        return image

    def _adopt(self, path: Path, model: str) -> None:
        held = dict(self._db.execute("SELECT key, value FROM meta").fetchall())
        if not held:
            with self._writing():
                for key, value in (("schema", SCHEMA), ("model", model), ("dimension", self._dimension)):
                    self._remember(key, str(value))
            return
        if held.get("schema") != str(SCHEMA):
            raise ConfigError(f"{str(path)!r} has schema {held.get('schema')!r}; this version reads {SCHEMA}")
        if held["model"] != model or held["dimension"] != str(self._dimension):
            raise ConfigError(
                f"{str(path)!r} was indexed by {held['model']!r} and the embedder is {model!r}; re-index it"
            )

    def _remember(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _next(self, namespace: str) -> int:
        found = self._db.execute("SELECT coalesce(max(seq), 0) + 1 FROM entry WHERE namespace = ?", (namespace,))
        return int(found.fetchone()[0])

    def _writing(self) -> _Transaction:
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE to COMMIT; anything raised inside undoes it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as e:
            raise UnavailableError(f"the knowledge store is busy: {e}; try again") from e
        return self._db

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def model_of(path: Path) -> tuple[str, int] | None:
    """Which embedder a store was indexed by; None when there is no store."""
    if not path.is_file():
        return None
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        held = dict(db.execute("SELECT key, value FROM meta").fetchall())
    return (held["model"], int(held["dimension"])) if "model" in held else None


def _plain(record: Record) -> str:
    return json.dumps(record.document, ensure_ascii=False)
