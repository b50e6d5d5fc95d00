"""One imported description in a file: compiled operations one by one, shared schemas beside them, all under one digest.

Only what a call needs is read. The digest is over everything, so that a changed row is another description.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import JsonValue, StringConstraints, ValidationError

from steersman.domain.environment import Tier
from steersman.domain.errors import InputError, IntegrityError
from steersman.domain.fact import Digest, Fact, Instant, JsonObject, canonical
from steersman.domain.overlay import Overlay
from steersman.remote.schemas.conversion import Schemas
from steersman.remote.text import one_line
from steersman.toolsets.openapi.recipe import Recipe, Scheme

SCHEMA = 1
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE operation (verb TEXT PRIMARY KEY, method TEXT NOT NULL, path TEXT NOT NULL, summary TEXT NOT NULL,
  words TEXT NOT NULL, digest TEXT NOT NULL, recipe TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE part (id TEXT PRIMARY KEY, digest TEXT NOT NULL, schema TEXT NOT NULL, uses TEXT NOT NULL) WITHOUT ROWID;
"""
_AT_ONCE = 500


class AuthRef(Fact):
    """Which secret goes to which scheme; the secret itself is never kept."""

    name: str
    """Of a scheme in the description, or `bearer`, `basic`, `header:NAME`, `query:NAME`, which are always sent."""
    ref: Annotated[str, StringConstraints(pattern=r"^(env|file):.+$")]
    """`env:NAME`, `file:PATH` ..."""
    use: Literal["token", "client"] = "token"
    scope: str = ""


class Manifest(Fact):
    """How a description was imported: all that an operator has decided."""

    name: str
    title: str = ""
    source: str
    """Name of the file."""
    source_digest: Digest
    server: str
    allowed: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    tier: Tier = "prod"
    auth: tuple[AuthRef, ...] = ()
    schemes: dict[str, Scheme] = {}
    overlay: Overlay = Overlay()
    operations: int
    imported_at: Instant
    imported_by: str
    content: Digest
    """Over every operation and every schema."""


class Line(NamedTuple):
    """An operation as a list shows it."""

    verb: str
    method: str
    path: str
    summary: str
    words: str


class Kept:
    """An imported description, opened for reading. Raises IntegrityError when the file is not what was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)
            rows = dict(self._db.execute("SELECT key, value FROM meta"))
            self.manifest = Manifest.model_validate_json(rows["manifest"])
            rows_of_parts = self._db.execute("SELECT id, digest, uses FROM part").fetchall()
            self._digests = {identity: digest for identity, digest, _ in rows_of_parts}
            self._uses = {identity: uses.split() for identity, _, uses in rows_of_parts}
            self._verbs = dict(self._db.execute("SELECT verb, digest FROM operation"))
        except (sqlite3.DatabaseError, KeyError, ValidationError) as e:
            raise IntegrityError(
                f"{str(path)!r} is no imported description: {one_line(str(e))}; import it again"
            ) from e
        self.signature = str(rows.get("signature", ""))
        self._parts: dict[str, JsonValue] = {}
        if _content([*self._digests.items(), *self._verbs.items()]) != self.manifest.content:
            raise IntegrityError(f"{self.manifest.name!r} is not what was imported; import it again")

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def lines(self) -> list[Line]:
        """All operations, by name."""
        return [Line(*row) for row in self._db.execute("SELECT verb, method, path, summary, words FROM operation")]

    def verbs(self) -> list[str]:
        """Their names alone."""
        return list(self._verbs)

    def recipe(self, verb: str) -> tuple[Recipe, str]:
        """One operation, and a digest over it and all its schemas. Raises InputError when there is none."""
        row = self._db.execute("SELECT recipe FROM operation WHERE verb = ?", (verb,)).fetchone()
        if row is None:
            raise InputError(f"{self.manifest.name!r} has no operation {verb!r}; `steer tools list` shows all")
        recipe = Recipe.model_validate_json(row[0])
        if _hash(row[0]) != self._verbs[verb]:
            raise IntegrityError(f"{self.manifest.name}.{verb} is not what was imported; import it again")
        reached = self._reached((*recipe.parts, *recipe.answer_parts))
        return recipe, _hash(json.dumps([row[0], [(name, self._digests[name]) for name in reached]]))

    def parts(self, ids: Sequence[str]) -> JsonObject:
        """Schemas with all that they lead to; each is read from the file, and compared with its digest, once."""
        reached = self._reached(ids)
        missing = [identity for identity in reached if identity not in self._parts]
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            for identity, text in self._db.execute(f"SELECT id, schema FROM part WHERE id IN ({marks})", some):  # noqa: S608  # only question marks are put in
                if _part_digest(text, self._uses[identity]) != self._digests[identity]:
                    raise IntegrityError(f"schema {identity!r} of {self.manifest.name!r} is not what was imported")
                self._parts[identity] = json.loads(text)
        return {identity: self._parts[identity] for identity in reached}

    def _reached(self, ids: Sequence[str]) -> list[str]:
        """Ids with those of all schemas that they lead to, in order."""
        seen = set(ids)
        rest = list(ids)
        while rest:
            more = set(self._uses.get(rest.pop(), ())) - seen
            seen |= more
            rest.extend(more)
        if seen - self._digests.keys():
            raise IntegrityError(f"{self.manifest.name!r} lacks a schema that it refers to; import it again")
        return sorted(seen)


def content_of(recipes: Iterable[Recipe], schemas: Schemas) -> tuple[Digest, Rows]:
    """The digest over everything, and the rows that will be kept: operations, and the schemas that they reach."""
    operation_rows, wanted = [], set[str]()
    for recipe in recipes:
        text = recipe.model_dump_json(by_alias=True)
        line = (recipe.verb, recipe.method, recipe.path, recipe.summary, recipe.words, _hash(text), text)
        operation_rows.append(line)
        wanted.update(recipe.parts, recipe.answer_parts)
    part_rows = []
    for identity, schema in schemas.closed(wanted).items():
        text, uses = canonical(schema).decode(), sorted(schemas.parts[identity].uses)
        part_rows.append((identity, _part_digest(text, uses), text, " ".join(uses)))
    operation_rows.sort()
    found = [*((row[0], row[1]) for row in part_rows), *((row[0], row[5]) for row in operation_rows)]
    return _content(found), Rows(operation_rows, part_rows)


class Rows(NamedTuple):
    """What will be kept."""

    operations: list[tuple[str, str, str, str, str, str, str]]
    parts: list[tuple[str, str, str, str]]


def keep(path: Path, manifest: Manifest, rows: Rows, *, signature: str) -> None:
    """Writes the file whole: a kill leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with closing(sqlite3.connect(beside)) as db:
        db.executescript(_TABLES)
        meta = {"schema": str(SCHEMA), "manifest": manifest.model_dump_json(by_alias=True), "signature": signature}
        db.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        db.executemany("INSERT INTO operation VALUES (?, ?, ?, ?, ?, ?, ?)", rows.operations)
        db.executemany("INSERT INTO part VALUES (?, ?, ?, ?)", rows.parts)
        db.commit()
    beside.chmod(0o600)
    beside.replace(path)


def _part_digest(text: str, uses: Sequence[str]) -> str:
    return _hash(json.dumps([text, list(uses)]))


def _content(found: list[tuple[str, str]]) -> Digest:
    return Digest(_hash(json.dumps(sorted(found))))


def _hash(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
