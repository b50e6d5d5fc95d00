import asyncio

from steersman.engines.local.follow import follow
from steersman.testing.worldplans import sim_plan, sim_step

from .bench import RUN, Bench


async def test_following_shows_every_entry_once_and_ends_with_the_run() -> None:
    async with Bench(a=1) as bench:
        plan = sim_plan(bench.world, [sim_step("one", "set", "a", 2)])
        seen = []

        async def watch() -> None:
            seen.extend([entry.seq async for entry in follow(bench.journal, RUN, clock=bench.clock)])

        async def both() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(watch())
                group.create_task(bench.engine.run(plan, RUN))

        await bench.drive(both())
        assert seen == [entry.seq for entry in await bench.journal.read(RUN)]
