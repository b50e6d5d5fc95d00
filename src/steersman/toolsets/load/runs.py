"""The runs that are kept: one folder each, a result only when the run has ended by itself."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from steersman.domain.errors import ToolError
from steersman.domain.load import GeneratorName, LoadProfile
from steersman.domain.load_result import Limit, LoadResult

RESULT, PROFILE, KEY, LIMIT = "steersman-result.json", "steersman-profile.json", "steersman-key", "steersman-limit.json"


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of one generator, under one folder."""

    root: Path
    generator: GeneratorName

    def folder(self, name: str) -> Path:
        """Where a run lies. Names are checked by the schema of the operations: no separators, no leading dot."""
        return self.root / self.generator / name

    def begin(self, name: str, profile: LoadProfile, key: str) -> Path:
        """An empty folder for a run; what a cut-off one left goes."""
        folder = self.folder(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        (folder / PROFILE).write_text(profile.model_dump_json(indent=2), encoding="utf-8")
        (folder / KEY).write_text(key, encoding="utf-8")
        return folder

    def keep(self, name: str, result: LoadResult) -> None:
        """Makes a result stay: whole, or not at all."""
        self._write(name, RESULT, result.model_dump_json())

    def keep_limit(self, name: str, limit: Limit) -> None:
        """Makes what a search found stay."""
        self._write(name, LIMIT, limit.model_dump_json())

    def load_limit(self, name: str) -> Limit:
        """What a search found. Raises ToolError when there is none of that name."""
        try:
            return Limit.model_validate_json((self.folder(name) / LIMIT).read_bytes())
        except (FileNotFoundError, ValidationError) as e:
            raise ToolError(f"no finished {self.generator} search {name!r} is kept; take another name") from e

    def _write(self, name: str, file_name: str, text: str) -> None:
        folder = self.folder(name)
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(folder / file_name)

    def exists(self, name: str) -> bool:
        """Whether a finished run, or a finished search, is kept."""
        return self.has_result(name) or (self.folder(name) / LIMIT).is_file()

    def has_result(self, name: str) -> bool:
        """Whether a finished run is kept."""
        return (self.folder(name) / RESULT).is_file()

    def key(self, name: str) -> str:
        """The idempotency key of the call that made a run."""
        path = self.folder(name) / KEY
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def load(self, name: str) -> tuple[LoadProfile, LoadResult]:
        """A run with its profile. Raises ToolError when there is none, or it cannot be read."""
        folder = self.folder(name)
        try:
            profile = LoadProfile.model_validate_json((folder / PROFILE).read_bytes())
            return profile, LoadResult.model_validate_json((folder / RESULT).read_bytes())
        except FileNotFoundError as e:
            raise ToolError(
                f"no finished {self.generator} run {name!r} is kept; `steer bench history` lists all"
            ) from e
        except (ValidationError, json.JSONDecodeError) as e:
            raise ToolError(f"the kept {self.generator} run {name!r} cannot be read; delete its folder") from e

    def delete(self, name: str) -> None:
        """Forgets a run."""
        shutil.rmtree(self.folder(name), ignore_errors=True)

    def all(self) -> Iterator[LoadResult]:
        """Every kept run, oldest first."""
        found = [self.load(path.parent.name)[1] for path in (self.root / self.generator).glob(f"*/{RESULT}")]
        yield from sorted(found, key=lambda result: result.started_at)
