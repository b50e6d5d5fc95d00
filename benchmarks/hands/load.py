"""Load generators against a target that counts: their undo ends a run and deletes what was kept of it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.hands.scene import Edit, Scene, System
from pydantic import JsonValue
from tests.integration.load.target import Target, serving
from tests.integration.load.test_generators import lab, profile

from steersman.domain.errors import SteersmanError
from steersman.domain.fact import JsonObject
from steersman.domain.load import LoadCaps, Stage
from steersman.domain.load_port import Generator
from steersman.domain.operation import Operation
from steersman.testing.toolset_conformance import Example
from steersman.toolsets.load import LoadToolset
from steersman.toolsets.load.history import FILE, History
from steersman.toolsets.load.process import located


class Generating(System):
    """One load generator."""

    slow = True

    def __init__(self, generator: Generator) -> None:
        self.generator, self.name, self.stands_on = generator, generator.name, f"{generator.name} (real)"

    def missing(self) -> str:
        """Whether the program is there."""
        try:
            located(self.generator.name)
        except SteersmanError as e:
            return str(e)
        return ""

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A target of its own, and an empty folder for results."""
        with tempfile.TemporaryDirectory() as folder:
            async with serving(Target()) as target:
                toolset = LoadToolset(self.generator, Path(folder), lab, LoadCaps())
                given = profile(target, stages=(Stage(duration_s=1, level=5),)).model_dump(mode="json")

                async def truth() -> JsonValue:
                    return kept(Path(folder))

                examples = (Example(f"{self.name}.run", {"name": "bad", "profile": given}),)
                yield Scene(toolset, truth, _nothing, _nothing, examples=examples)


def kept(folder: Path) -> JsonValue:
    """The files of results, and the lines of their history, which is a file of its own from the first run on."""
    files = [str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file() and each.name != FILE]
    return {"files": sorted(files), "history": [line.name for line in History(folder).lines()]}


def _nothing(_: Operation, __: JsonObject) -> Sequence[Edit]:
    """Runs are under names that nobody else uses."""
    return []
