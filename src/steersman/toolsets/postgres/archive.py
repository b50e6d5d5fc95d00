"""Archives on disk: a folder for each backup, which appears whole or not at all, and is never touched again."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from steersman.domain.errors import ToolError
from steersman.domain.fact import Fact

MANIFEST = "manifest.json"
DUMP = "archive.dump"
MAKING = ".making-"
PIECE = 1 << 20


class Manifest(Fact):
    """What a backup is, written when its drill has passed."""

    database: str
    name: str
    system: str
    """Identifier of the server that it is of."""
    server: str
    made_at: str
    keep_until: str
    kept_days: int
    digest: str
    bytes: int
    rows: dict[str, int]
    """By table: as counted in the dumped snapshot, and found again in the drill."""


@dataclass(frozen=True, slots=True)
class Archives:
    """All backups of one server."""

    root: Path

    def manifest(self, database: str, name: str) -> Manifest | None:
        """What a backup says of itself; None when there is none. Raises ToolError when it is no longer readable."""
        path = self._place(database, name) / MANIFEST
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as e:
            raise ToolError(
                f"the manifest of backup {name!r} of {database!r} cannot be read: {type(e).__name__}"
            ) from e

    def dump(self, database: str, name: str) -> Path:
        """The archive of a backup."""
        return self._place(database, name) / DUMP

    @contextmanager
    def making(self, database: str, name: str) -> Iterator[Path]:
        """A folder to make a backup in. What is left in it is thrown away, also what a killed process left."""
        above = self.root / database
        above.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in above.glob(f"{MAKING}{name}.*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = above / f"{MAKING}{name}.{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, folder: Path, manifest: Manifest) -> None:
        """Makes it a backup, in one durable step. Raises ToolError when one of that name is there."""
        path = folder / MANIFEST
        path.write_text(json.dumps(manifest.model_dump(mode="json"), sort_keys=True, indent=1), encoding="utf-8")
        for each in (folder / DUMP, path):
            each.chmod(0o400)
            _synced(each)
        _synced(folder)
        place = self._place(manifest.database, manifest.name)
        try:
            folder.rename(place)
        except OSError as e:
            raise ToolError(f"backup {manifest.name!r} of {manifest.database!r} is there already: not replaced") from e
        _synced(place.parent)

    def _place(self, database: str, name: str) -> Path:
        return self.root / database / name


def digest_of(path: Path) -> str:
    """SHA-256 of a file. Raises ToolError when it cannot be read."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                found.update(piece)
    except OSError as e:
        raise ToolError(f"the archive {path.name!r} cannot be read: {type(e).__name__}") from e
    return f"sha256:{found.hexdigest()}"


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
