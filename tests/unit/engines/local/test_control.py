import asyncio

import pytest

from steersman.engines.local.control import Control, Halt, InterruptedWaitError


async def test_the_weightier_reason_stays() -> None:
    control = Control()
    control.stop(Halt("drain", "end"))
    control.stop(Halt("undo", "failed"))
    control.stop(Halt("pause", "unsure"))
    assert control.halt == Halt("undo", "failed")


async def test_a_halt_ends_a_wait_and_nothing_else() -> None:
    control = Control()
    finished = []

    async def waits() -> None:
        with pytest.raises(InterruptedWaitError), control.interruptible():
            await asyncio.sleep(3_600)
        finished.append("wait")

    async def writes() -> None:
        await asyncio.sleep(0.01)
        finished.append("write")

    async with asyncio.TaskGroup() as group:
        group.create_task(waits())
        group.create_task(writes())
        await asyncio.sleep(0)
        control.stop(Halt("pause", "now"))
    assert finished == ["wait", "write"]


async def test_a_wait_that_begins_after_the_halt_ends_at_once() -> None:
    control = Control()
    control.stop(Halt("pause", "now"))
    with pytest.raises(InterruptedWaitError), control.interruptible():
        await asyncio.sleep(3_600)


async def test_cancellation_from_outside_stays_cancellation() -> None:
    control = Control()

    async def waits() -> None:
        with control.interruptible():
            await asyncio.sleep(3_600)

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    control.stop(Halt("pause", "now"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_whoever_stops_the_run_is_not_broken_off() -> None:
    control = Control()
    with control.interruptible():
        control.stop(Halt("undo", "breach"))
        await asyncio.sleep(0)
    assert control.halted()
