"""A journal in memory, a gate that keeps only what the engine relies on, a clock that does not wait."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from steersman.domain.environment import Principal
from steersman.domain.ids import PrincipalId

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
ALICE = Principal(id=PrincipalId("alice"), kind="human", roles=frozenset({"operator"}))


@dataclass
class FakeClock:
    at: datetime = START
    busy: int = 0
    """Operations that are under way in a thread: real time goes by, ours does not."""
    _sleepers: list = field(default_factory=list)
    _order: count = field(default_factory=count)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        wake = loop.create_future()
        due = self.at + timedelta(seconds=seconds)
        self._sleepers.append((due, next(self._order), wake))
        try:
            await wake
        finally:
            self._sleepers = [s for s in self._sleepers if s[2] is not wake]

    def loop_soon(self, action) -> None:
        asyncio.get_running_loop().call_soon(action)

    async def drive(self, work):
        """Awaits work, and moves time whenever everything only sleeps."""
        task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
        while not task.done():
            await asyncio.sleep(0)
            if loop._ready or task.done():
                continue
            if self.busy or not self._sleepers:
                await asyncio.sleep(0.0005)
                continue
            due, _, wake = min(self._sleepers, key=lambda s: s[:2])
            self.at = max(self.at, due)
            if not wake.done():
                wake.set_result(None)
        return task.result()


class Killed(BaseException):
    """The process is dead: nothing catches it, nothing happens after it."""


class Life:
    """A process that dies at its n-th boundary: before or after a journal operation or an effect."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.dead = False

    def begin(self, die_at: int | None) -> None:
        self.left, self.dead = die_at, False

    def boundary(self) -> None:
        if self.left is not None:
            self.left -= 1
            self.dead = self.dead or self.left <= 0
        if self.dead:
            raise Killed


class PatientJournal:
    """A journal whose operations take real time, during which the fake clock stands still."""

    def __init__(self, inner, clock: FakeClock, life: Life) -> None:
        self._inner, self._clock, self._life = inner, clock, life

    def __getattr__(self, name):
        method = getattr(self._inner, name)

        async def call(*args, **kwargs):
            self._life.boundary()
            self._clock.busy += 1
            try:
                return await method(*args, **kwargs)
            finally:
                self._clock.busy -= 1
                self._life.boundary()

        return call
