"""Where a lab keeps its state, and how others find it: `STEER_HOME/labs/<name>/`."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from steersman.domain.environment import Environment
from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, Instant, Slug


class LabInfo(Fact):
    """What stands in `lab.json`: how to reach a lab. It holds the tokens, so only its owner may read it."""

    name: Slug
    uid: str
    url: str
    """Of the controller."""
    token: str = Field(repr=False)
    collector_url: str
    collector_token: str = Field(repr=False)
    shop_url: str
    """Where customers go."""
    folder: str
    pid: int
    started_at: Instant

    @property
    def environment(self) -> Environment:
        """Its identity in plans and approvals."""
        return Environment(kind="lab", name=self.name, uid=self.uid, url=self.url, tier="lab")


class LabStatus(Fact):
    """Whether a lab of that name is up."""

    name: str
    state: Literal["up", "down"]
    info: LabInfo | None = None


@dataclass(frozen=True, slots=True)
class LabFolder:
    """The folder of one lab."""

    path: Path

    @classmethod
    def of(cls, home: Path, name: str) -> LabFolder:
        """The folder of the lab of that name. Raises InputError for a name that is none."""
        if not name or not all(letter.isalnum() or letter in "-_" for letter in name) or len(name) > 48:  # noqa: PLR2004
            raise InputError(f"{name!r} is no name for a lab: use up to 48 letters, digits, - and _")
        return cls(home / "labs" / name)

    @property
    def info_file(self) -> Path:
        """`lab.json`."""
        return self.path / "lab.json"

    @property
    def log_file(self) -> Path:
        """What the controller says."""
        return self.path / "labd.log"

    def create(self) -> None:
        """Makes the folder, for its owner only."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)

    def write(self, info: LabInfo) -> None:
        """Writes `lab.json` in one go, for its owner only."""
        draft = self.path / "lab.json.new"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(info.model_dump_json(indent=1))
        draft.replace(self.info_file)

    def read(self) -> LabInfo | None:
        """What `lab.json` says, or None when there is none that can be read."""
        try:
            return LabInfo.model_validate_json(self.info_file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def lock(self) -> int | None:
        """An open file that holds the lab's lock for as long as it is open; None when a living controller holds it."""
        held = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            return None
        return held

    def is_up(self) -> bool:
        """Whether a controller lives here."""
        if not self.path.is_dir():
            return False
        held = self.lock()
        if held is None:
            return True
        os.close(held)
        return False

    def status(self) -> LabStatus:
        """Whether it is up, and how to reach it."""
        info = self.read() if self.is_up() else None
        return LabStatus(name=self.path.name, state="up" if info else "down", info=info)


def labs(home: Path) -> tuple[LabStatus, ...]:
    """All labs that have a folder."""
    root = home / "labs"
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return tuple(LabFolder(path).status() for path in folders)
