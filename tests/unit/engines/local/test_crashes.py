"""Whatever dies whenever: after it came back, each effect was there exactly once, or was taken back exactly once."""

import asyncio
from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steersman.domain.event import FINAL
from steersman.testing.worldplans import sim_plan, sim_step

from .bench import RUN, Bench

FEW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def random_plan(bench, rng: Random, size: int):
    """A DAG over few names: writers of one name are ordered, everything else is parallel as chance has it."""
    last, steps = {}, []
    for number in range(size):
        name = f"n{rng.randrange(max(2, size // 2))}"
        verb = "set" if name in last or name in bench.world.state else "create"
        some = rng.sample([step.id for step in steps], k=min(len(steps), rng.randrange(3)))
        needs = dict.fromkeys([*([last[name]] if name in last else []), *some])
        phase = "build" if number < size // 3 else "deploy"
        steps.append(sim_step(f"s{number}", verb, name, number, needs=needs, phase=phase))
        last[name] = steps[-1].id
    return sim_plan(bench.world, steps)


def with_failure(plan, rng: Random):
    """A last step that fails every time it is tried."""
    needs = rng.sample([step.id for step in plan.steps], k=min(2, len(plan.steps)))
    bad = sim_step("bad", "wait", "broken", needs=needs)
    return plan.model_copy(update={"steps": (*plan.steps, bad)})


def effects_by_step(bench) -> Counter:
    found = Counter()
    for (key, _), count in bench.world.effects.items():
        _, step, direction = key.rsplit("/", 2)
        found[step, direction] += count
    return found


def settled_right(bench, run, plan, initial) -> None:
    counts = effects_by_step(bench)
    writes = [step.id for step in plan.steps if step.operation != "sim.wait"]
    assert run.state in FINAL
    if run.state == "done":
        assert counts == {(step, "do"): 1 for step in writes}
    else:
        assert run.state == ("rolled_back" if counts else "failed"), run.reason
        done = [step for step in writes if counts[step, "do"]]
        assert counts == {(step, way): 1 for step in done for way in ("do", "undo")}
        assert bench.world.state == initial


async def survive(seed: int, size: int, *, fails: bool, deaths: list[int], lost: list[int]) -> None:
    rng = Random(seed)
    async with Bench(n0=100, n1=101) as bench:
        initial = dict(bench.world.state)
        plan = random_plan(bench, rng, size)
        if fails:
            plan = with_failure(plan, rng)
            bench.world.faults["broken"] = ["refuse"] * 10
        for number in lost:
            bench.world.faults[f"n{number}"] = ["lose_answer"]
        for death in deaths:
            await bench.life_of(bench.engine.run(plan, RUN), die_at=death)
        run = await bench.life_of(bench.engine.run(plan, RUN), die_at=None)
        settled_right(bench, run, plan, initial)


@FEW
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 7),
    fails=st.booleans(),
    deaths=st.lists(st.integers(1, 140), max_size=3),
    lost=st.lists(st.integers(0, 3), max_size=2),
)
def test_each_effect_happens_once_or_is_undone_once(seed, size, fails, deaths, lost) -> None:
    asyncio.run(survive(seed, size, fails=fails, deaths=deaths, lost=lost))


def test_death_all_along_one_plan() -> None:
    for death in range(1, 140, 9):
        asyncio.run(survive(7, 5, fails=True, deaths=[death], lost=[]))
