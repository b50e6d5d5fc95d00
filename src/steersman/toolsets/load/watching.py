"""A run while it goes on: how it stands is kept once a second, and a breached abort condition ends it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from steersman.domain.load import LoadProfile
from steersman.domain.load_port import Generator
from steersman.domain.load_result import Progress
from steersman.judgement.abort import breached

PROGRESS = "progress.jsonl"
EVERY_S = 1.0
MOST_POINTS = 900
"""Kept for abort conditions: longer than any may look back."""


@dataclass(slots=True)
class Watcher:
    """Asks a generator how it stands."""

    generator: Generator
    profile: LoadProfile
    folder: Path
    port: int
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the run must end at once."""
    aborted: str = ""
    """Why."""
    points: list[Progress] = field(default_factory=list)

    async def follow(self) -> None:
        """Until cancelled, or until there is a reason to end the run."""
        began = monotonic()
        while True:
            await asyncio.sleep(EVERY_S)
            at_s = monotonic() - began
            point = await self.generator.progress(self.profile, self.folder, port=self.port, at_s=at_s)
            if point is None or (self.points and point == self.points[-1]):
                continue
            self.points = [*self.points[-MOST_POINTS:], point]
            with (self.folder / PROGRESS).open("a", encoding="utf-8") as file:
                file.write(point.model_dump_json() + "\n")
            condition = breached(self.profile.abort, self.points)
            if condition is not None:
                self.aborted = str(condition)
                self.stop.set()
                return


def told(folder: Path) -> list[Progress]:
    """What has been kept of a run's progress; a line that is still being written is left out."""
    try:
        whole, _, _ = (folder / PROGRESS).read_text(encoding="utf-8").rpartition("\n")
    except FileNotFoundError:
        return []
    return [Progress.model_validate_json(line) for line in whole.splitlines()]
