"""The kill switch: before and during calls."""

import asyncio

import pytest
from tests.unit.gate.bench import RUN, backward, bench, forward, results, step

from steersman.domain.errors import PolicyDeniedError, StoppedError, UnavailableError
from steersman.domain.event import Refused
from steersman.gate.stop import Stoppable
from steersman.testing.toolset import Twist

SET = step("s", "set", {"name": "a", "items": ["new"]})
BACK = {"name": "a", "items": ["old"]}


async def under_way(b, made) -> tuple[asyncio.Task, Twist]:
    stuck = b.store.twist("set", Twist(wait=asyncio.Event()))
    task = asyncio.ensure_future(b.gate.call(made))
    await stuck.entered.wait()
    return task, stuck


async def test_a_write_under_way_is_broken_off_and_its_outcome_is_settled_later(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        task, _ = await under_way(b, forward(SET, grant))
        await b.journal.set_level("stop", by="min")
        with pytest.raises(StoppedError):
            await asyncio.wait_for(task, 5)
        assert results(await b.events()) == ["unknown"]
        assert any(isinstance(e, Refused) and e.guard == "switch" for e in await b.events())
        assert (await b.gate.settle(RUN, SET.id, "do")).result == "not_happened"


async def test_undo_goes_on_at_stop_and_not_at_hard(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await b.gate.call(forward(SET, grant))
        await b.journal.set_level("hard", by="min")
        with pytest.raises(StoppedError):
            await b.gate.call(backward(SET, grant, BACK))
        await b.journal.set_level("stop", by="min")
        await b.gate.call(backward(SET, grant, BACK))
        assert b.store.state == {"a": ("old",)}


async def test_an_undo_under_way_is_broken_off_at_hard_only(tmp_path):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        await b.gate.call(forward(SET, grant))
        task, stuck = await under_way(b, backward(SET, grant, BACK))
        await b.journal.set_level("stop", by="min")
        await asyncio.sleep(0.6)
        assert not task.done()
        await b.journal.set_level("hard", by="min")
        with pytest.raises(StoppedError):
            await asyncio.wait_for(task, 5)
        stuck.wait.set()


class Switch:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def level(self):
        raise self.error

    async def set_level(self, level, *, by, reason=""):
        raise self.error


@pytest.mark.parametrize(
    ("error", "becomes"), [(KeyError("level"), PolicyDeniedError), (UnavailableError("disk full"), UnavailableError)]
)
async def test_a_switch_that_cannot_be_read_stops(tmp_path, error, becomes):
    async with bench(tmp_path) as b:
        grant = await b.stored(SET)
        chain = b.gate._recorded.inner
        object.__setattr__(chain, "inner", Stoppable(Switch(error), chain.inner.inner))
        with pytest.raises(becomes):
            await b.gate.call(forward(SET, grant))
        assert not b.store.effects
