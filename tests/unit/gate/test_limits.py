"""Breaker, bulkhead, deadline, retry: each alone, around a call that the test scripts."""

import asyncio

import pytest
from tests.unit.gate.bench import STORE, backward, bench, call, forward, step

from steersman.domain.call import Outcome
from steersman.domain.errors import BudgetExceededError, DriftError, ToolError, UnavailableError
from steersman.domain.event import Refused
from steersman.domain.plan import Retry
from steersman.gate.limits import FAILURES, OPEN_S, Broken, Bulkhead, backoff
from steersman.gate.passage import Passage
from steersman.testing.clock import NOON, FakeClock
from steersman.testing.toolset import Store, Twist

DONE = Outcome(output={}, started_at=NOON, finished_at=NOON)
BINDINGS = {b.operation.name: b for b in Store().bindings()}
SET = step("s", "set", {"name": "a", "items": ["new"]})


def passage(operation: str = "store.get", **more) -> Passage:
    direction = more.pop("direction", "do")
    made = call(operation, arguments={"name": "a"}, environment=STORE, direction=direction)
    return Passage(made, BINDINGS[operation], "store/a", [], **more)


class Inner:
    """Raises what is ordered, or waits for the test."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors, self.calls, self.now, self.most = list(errors), 0, 0, 0
        self.wait: asyncio.Event | None = None

    async def __call__(self, _passage: Passage) -> Outcome:
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.wait is not None:
                await self.wait.wait()
            if self.errors:
                raise self.errors.pop(0)
            return DONE
        finally:
            self.now -= 1


async def opened(inner: Inner, clock: FakeClock) -> Broken:
    broken = Broken(clock, inner)
    inner.errors = [UnavailableError("down") for _ in range(FAILURES)]
    for _ in range(FAILURES):
        with pytest.raises(UnavailableError, match="down"):
            await broken(passage())
    return broken


async def test_the_breaker_opens_after_so_many_failures_and_says_when_to_come_back():
    inner, clock = Inner(), FakeClock()
    broken = await opened(inner, clock)
    refused = passage()
    with pytest.raises(UnavailableError, match="not asked again yet") as caught:
        await broken(refused)
    assert caught.value.retry_after_s == OPEN_S
    assert inner.calls == FAILURES
    assert [note.guard for note in refused.notes] == ["breaker"]


@pytest.mark.parametrize("error", [ToolError("no"), DriftError("moved")])
async def test_an_answer_that_says_no_counts_as_an_answer(error):
    clock = FakeClock()
    down = [UnavailableError("down") for _ in range(FAILURES - 1)]
    inner = Inner(*down, error, *[UnavailableError("down") for _ in range(FAILURES - 1)])
    broken = Broken(clock, inner)
    for _ in range(2 * FAILURES - 1):
        with pytest.raises((UnavailableError, type(error))):
            await broken(passage())
    await broken(passage())


async def test_a_refusal_of_our_own_says_nothing_about_the_system():
    inner, clock = Inner(), FakeClock()
    broken = Broken(clock, inner)
    inner.errors = [UnavailableError("down")] * (FAILURES - 1) + [
        BudgetExceededError("spent"),
        UnavailableError("down"),
    ]
    for _ in range(FAILURES + 1):
        with pytest.raises((UnavailableError, BudgetExceededError)):
            await broken(passage())
    with pytest.raises(UnavailableError, match="not asked again yet"):
        await broken(passage())


async def test_half_open_lets_exactly_one_of_many_through():
    inner, clock = Inner(), FakeClock()
    broken = await opened(inner, clock)
    clock.move(seconds=OPEN_S)
    inner.wait, before = asyncio.Event(), inner.calls
    tasks = [asyncio.ensure_future(broken(passage())) for _ in range(20)]
    await asyncio.sleep(0)
    assert inner.calls - before == 1
    inner.wait.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, Outcome) for each in found) == 1
    assert await broken(passage()) == DONE


async def test_a_failed_try_opens_it_again_and_a_cancelled_one_lets_the_next_try():
    inner, clock = Inner(), FakeClock()
    broken = await opened(inner, clock)
    clock.move(seconds=OPEN_S)
    inner.errors = [asyncio.CancelledError(), UnavailableError("down")]
    with pytest.raises(asyncio.CancelledError):
        await broken(passage())
    with pytest.raises(UnavailableError, match="down"):
        await broken(passage())
    with pytest.raises(UnavailableError, match="not asked again yet"):
        await broken(passage())


async def test_undo_and_the_looks_of_a_call_that_is_through_pass_an_open_breaker():
    inner, clock = Inner(), FakeClock()
    broken = await opened(inner, clock)
    assert await broken(passage(nested=True)) == DONE
    assert await broken(passage(direction="undo")) == DONE


async def test_a_write_with_its_looks_can_be_the_one_that_tries(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        b.store.twist("get", *(Twist(before=UnavailableError("down")) for _ in range(FAILURES)))
        look = call("store.get", arguments={"name": "a"}, environment=STORE)
        for _ in range(FAILURES):
            with pytest.raises(UnavailableError):
                await b.gate.call(look)
        with pytest.raises(UnavailableError, match="not asked again yet"):
            await b.gate.call(forward(SET, grant))
        assert any(isinstance(e, Refused) and e.guard == "breaker" for e in await b.events())
        b.clock.move(seconds=OPEN_S)
        await b.gate.call(forward(SET, grant))
        await b.gate.call(look)


async def test_undo_passes_a_breaker_that_is_open(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await b.gate.call(forward(SET, grant))
        b.store.twist("get", *(Twist(before=UnavailableError("down")) for _ in range(FAILURES)))
        for _ in range(FAILURES):
            with pytest.raises(UnavailableError):
                await b.gate.call(call("store.get", arguments={"name": "a"}, environment=STORE))
        await b.gate.call(backward(SET, grant, {"name": "a", "items": ["old"]}))
        assert b.store.state == {"a": ("old",)}


async def test_no_more_than_so_many_at_once_and_undo_has_places_of_its_own():
    inner = Inner()
    inner.wait = asyncio.Event()
    bulkhead = Bulkhead(3, inner)
    tasks = [asyncio.ensure_future(bulkhead(passage())) for _ in range(10)]
    await asyncio.sleep(0)
    assert inner.now == 3
    undo = asyncio.ensure_future(bulkhead(passage(direction="undo")))
    await asyncio.sleep(0)
    assert inner.now == 4
    inner.wait.set()
    await asyncio.gather(*tasks, undo)
    assert inner.calls == 11


async def test_a_cancelled_call_gives_its_place_back():
    inner = Inner()
    inner.wait = asyncio.Event()
    bulkhead = Bulkhead(1, inner)
    first = asyncio.ensure_future(bulkhead(passage()))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    inner.wait.set()
    assert await bulkhead(passage()) == DONE


def test_backoff_doubles_up_to_a_bound():
    assert [backoff(0.5, n) for n in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


async def test_reads_are_tried_again_with_backoff(tmp_path):
    async with bench(tmp_path) as b:
        b.store.twist("get", Twist(before=UnavailableError("busy")), Twist(before=UnavailableError("busy")))
        look = call("store.get", arguments={"name": "a"}, environment=STORE, retry=Retry(attempts=3, backoff_s=1))
        assert (await b.gate.call(look)).output
        assert b.clock.monotonic() == 3
