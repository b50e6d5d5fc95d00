"""Puts a URL under load for a minute, until it is killed: `endless.py GENERATOR PROCESSES FOLDER URL`."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from steersman.domain.environment import Environment
from steersman.domain.load import Journey, LoadCaps, LoadProfile, Request, Stage
from steersman.domain.ports import CallContext
from steersman.toolsets.k6 import K6
from steersman.toolsets.load import LoadToolset
from steersman.toolsets.locust import Locust


async def lab() -> Environment:
    return Environment(kind="lab", name="t", uid="1", url="http://127.0.0.1", tier="lab")


async def main(name: str, processes: int, folder: Path, url: str) -> None:
    generator = K6() if name == "k6" else Locust(processes=processes)
    toolset = LoadToolset(generator, folder, lab, LoadCaps())
    journeys = (Journey(name="j", requests=(Request(name="r"),)),)
    load = LoadProfile(name="t", target=url, stages=(Stage(duration_s=60, level=30),), journeys=journeys)
    run = next(b.run for b in toolset.bindings() if b.operation.name.endswith(".run"))
    context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=90))
    await run({"name": "a", "profile": load.model_dump(mode="json")}, context)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]))
