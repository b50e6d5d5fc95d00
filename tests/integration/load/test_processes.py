"""Processes of generators: all of them end with the run, whatever ends it."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from tests.integration.load.target import Target, serving
from tests.integration.load.test_generators import bound, context, lab, profile

from steersman.domain.errors import UnavailableError
from steersman.domain.load import LoadCaps, Stage
from steersman.toolsets.load import LoadToolset
from steersman.toolsets.locust import Locust

pytestmark = pytest.mark.integration
ENDLESS = Path(__file__).with_name("endless.py")


def working_in(folder: Path) -> dict[int, str]:
    """Command lines of the processes that work in a folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it has ended meanwhile
    return found


@pytest.mark.parametrize(("generator", "processes"), [("k6", 1), ("locust", 1), ("locust", 2)])
async def test_no_process_outlives_a_killed_steersman(tmp_path: Path, generator: str, processes: int) -> None:
    async with serving(Target()) as target:
        words = (sys.executable, str(ENDLESS), generator, str(processes), str(tmp_path), target.url)
        parent = await asyncio.create_subprocess_exec(*words)
        async with asyncio.timeout(60):
            await target.asked.wait()
        folder = tmp_path / generator / "a"
        assert len(working_in(folder)) == (3 if processes == 2 else 1)
        parent.kill()
        await parent.wait()
        began = time.monotonic()
        while working_in(folder):
            assert time.monotonic() - began < 2
            await asyncio.sleep(0.05)
        seen = len(target.seen)
        await asyncio.sleep(1)
        assert len(target.seen) == seen


async def test_a_run_that_loses_a_worker_fails_and_takes_the_others_with_it(tmp_path: Path) -> None:
    toolset = LoadToolset(Locust(processes=2), tmp_path, lab, LoadCaps())
    async with serving(Target()) as target:
        load = profile(target, stages=(Stage(duration_s=60, level=30),)).model_dump(mode="json")
        task = asyncio.create_task(bound(toolset, "run")({"name": "a", "profile": load}, context()))
        async with asyncio.timeout(60):
            await target.asked.wait()
        folder = toolset.runs.folder("a")
        worker = next(pid for pid, command in working_in(folder).items() if "--worker" in command)
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="exit code"):
            async with asyncio.timeout(10):
                await task
    assert working_in(folder) == {}
    assert not toolset.runs.exists("a")
