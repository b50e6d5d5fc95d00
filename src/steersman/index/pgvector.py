"""The same store in PostgreSQL with the vector extension, for teams that have one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from steersman.domain.errors import ConfigError, UnavailableError
from steersman.index.embedders import Vectors
from steersman.index.store import Hit, Record

if TYPE_CHECKING:
    import psycopg

_PARTS = 4
_TABLES = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS steersman_index (model text PRIMARY KEY, dimension int NOT NULL);
CREATE TABLE IF NOT EXISTS steersman_entry (
  namespace text, id text, labels text[] NOT NULL, document jsonb NOT NULL, PRIMARY KEY (namespace, id));
CREATE TABLE IF NOT EXISTS steersman_vector (
  namespace text, id text, part int, vector vector NOT NULL, PRIMARY KEY (namespace, id, part),
  FOREIGN KEY (namespace, id) REFERENCES steersman_entry ON DELETE CASCADE);
"""


def open_pgvector(url: str, *, model: str, dimension: int) -> PgvectorStore:
    """A store in the database at a URL. Raises ConfigError without the driver, UnavailableError without the server."""
    try:
        import psycopg
    except ImportError as e:
        raise ConfigError("a PostgreSQL store needs 'psycopg'; install steersman[pgvector]") from e
    try:
        connection = psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError as e:
        raise UnavailableError(f"no PostgreSQL for the knowledge store: {str(e).splitlines()[0]}; check the URL") from e
    try:
        return PgvectorStore(connection, model=model, dimension=dimension)
    except ConfigError:
        connection.close()
        raise


class PgvectorStore:
    """Implements `VectorStore`. Search is exact: an index would trade recall for speed that a team does not miss."""

    def __init__(self, connection: psycopg.Connection, *, model: str, dimension: int) -> None:
        """Makes the tables where they are missing. Raises ConfigError when another embedder indexed them."""
        self._db, self._dimension = connection, dimension
        for statement in _TABLES.split(";"):
            if statement.strip():
                connection.execute(statement.encode())
        held = connection.execute("SELECT model, dimension FROM steersman_index").fetchone()
        if held is None:
            connection.execute("INSERT INTO steersman_index VALUES (%s, %s)", (model, dimension))
        elif tuple(held) != (model, dimension):
            raise ConfigError(f"the store was indexed by {held[0]!r} and the embedder is {model!r}; re-index it")

    def close(self) -> None:
        """Lets go of the connection."""
        self._db.close()

    def put(self, namespace: str, records: Sequence[Record], vectors: Sequence[Vectors]) -> None:
        """Durable when it returns; all or none."""
        with self._db.transaction(), self._db.cursor() as cursor:
            self._drop(cursor, namespace, [record.id for record in records])
            cursor.executemany(
                "INSERT INTO steersman_entry VALUES (%s, %s, %s, %s)",
                [(namespace, r.id, sorted(r.labels), json.dumps(r.document, ensure_ascii=False)) for r in records],
            )
            cursor.executemany(
                "INSERT INTO steersman_vector VALUES (%s, %s, %s, %s)",
                [
                    (namespace, record.id, part, _text(vector))
                    for record, parts in zip(records, vectors, strict=True)
                    for part, vector in enumerate(np.asarray(parts).reshape(-1, self._dimension))
                ],
            )

    def remove(self, namespace: str, ids: Sequence[str]) -> int:
        """Durable when it returns."""
        with self._db.transaction(), self._db.cursor() as cursor:
            return self._drop(cursor, namespace, ids)

    def search(self, namespace: str, vector: Vectors, *, limit: int, labels: frozenset[str] = frozenset()) -> list[Hit]:
        """The nearest entries, each by its nearest part."""
        rows = self._db.execute(
            "SELECT v.id, -(v.vector <#> %s::vector) AS score FROM steersman_vector v"
            " JOIN steersman_entry e USING (namespace, id)"
            " WHERE namespace = %s AND e.labels @> %s ORDER BY score DESC, v.id LIMIT %s",
            (_text(np.asarray(vector)), namespace, sorted(labels), limit * _PARTS),
        ).fetchall()
        best: dict[str, float] = {}
        for identity, score in rows:
            best.setdefault(identity, float(score))
        return [Hit(identity, score) for identity, score in best.items()][:limit]

    def records(self, namespace: str) -> Iterator[Record]:
        """All entries, by id."""
        rows = self._db.execute(
            'SELECT id, labels, document FROM steersman_entry WHERE namespace = %s ORDER BY id COLLATE "C"',
            (namespace,),
        )
        for identity, labels, document in rows.fetchall():
            yield Record(id=identity, document=document, labels=frozenset(labels))

    @staticmethod
    def _drop(cursor: psycopg.Cursor, namespace: str, ids: Sequence[str]) -> int:
        cursor.execute("DELETE FROM steersman_entry WHERE namespace = %s AND id = ANY(%s)", (namespace, list(ids)))
        return cursor.rowcount


def _text(vector: Vectors) -> str:
    return "[" + ",".join(f"{x:.8g}" for x in vector) + "]"
