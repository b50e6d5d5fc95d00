import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import InputError
from steersman.engines.local.scheduler import Frontier, ready, run_dag


@st.composite
def dags(draw):
    size = draw(st.integers(1, 12))
    found = {"s0": ()}
    for n in range(1, size):
        found[f"s{n}"] = tuple(f"s{m}" for m in draw(st.sets(st.integers(0, n - 1), max_size=3)))
    return found


@given(dags(), st.randoms(use_true_random=False))
def test_the_frontier_gives_what_ready_specifies(needs, rng) -> None:
    frontier, done, started = Frontier(needs), frozenset(), frozenset()
    while len(done) < len(needs):
        expected = ready(needs, done, started)
        assert sorted(frontier.take()) == sorted(expected)
        started |= set(expected)
        step = rng.choice(sorted(started - done))
        frontier.done(step)
        done |= {step}


@given(dags(), st.data())
def test_what_does_not_lie_behind_a_stopped_step_is_done(needs, data) -> None:
    stops = data.draw(st.sets(st.sampled_from(sorted(needs)), max_size=2))
    seen: list[str] = []

    async def execute(step: str) -> bool:
        await asyncio.sleep(0)
        seen.append(step)
        return step not in stops

    asyncio.run(run_dag(needs, execute, lambda: False))
    blocked: set[str] = set()
    for step, before in needs.items():
        if any(need in stops or need in blocked for need in before):
            blocked.add(step)
    assert sorted(seen) == sorted(set(needs) - blocked)
    assert all(seen.index(need) < seen.index(step) for step in seen for need in needs[step])


def test_a_cycle_is_named() -> None:
    with pytest.raises(InputError, match="wait for each other"):
        Frontier({"a": ("b",), "b": ("a",)})


async def test_nothing_new_starts_once_halted() -> None:
    seen: list[str] = []

    async def execute(step: str) -> bool:
        seen.append(step)
        return True

    await run_dag({"a": (), "b": ("a",)}, execute, lambda: bool(seen))
    assert seen == ["a"]
