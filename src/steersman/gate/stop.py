"""The kill switch: asked before each write and watched while one is under way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from steersman.domain.call import Outcome
from steersman.domain.errors import SteersmanError, StoppedError
from steersman.gate.passage import Link, Passage, denial
from steersman.journal.port import Switch

WATCH_S = 0.25


@dataclass(frozen=True, slots=True)
class Stoppable:
    """Refuses new writes when the switch is on, and breaks off one that is under way. Looking is always allowed."""

    switch: Switch
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises StoppedError. A write that was broken off leaves an unknown outcome, which is settled later."""
        if not passage.writes:
            return await self.inner(passage)
        await self._refuse_when_stopped(passage)
        work = asyncio.ensure_future(self.inner(passage))
        try:
            while not (await asyncio.wait({work}, timeout=WATCH_S))[0]:
                await self._refuse_when_stopped(passage)
        except BaseException:
            work.cancel()
            # `gather` waits until the call has written down how it ended, and takes its error, which is told there.
            await asyncio.gather(work, return_exceptions=True)
            raise
        return work.result()

    async def _refuse_when_stopped(self, passage: Passage) -> None:
        try:
            level = await self.switch.level()
        except SteersmanError:
            raise
        except Exception as e:
            raise denial("switch", e) from e
        if level == "hard" or (level == "stop" and passage.call.direction == "do"):
            error = StoppedError("the kill switch is on; `steer start-all` lets work go on")
            error.guard = "switch"
            raise error
