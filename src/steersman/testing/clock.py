"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class FakeClock:
    """Implements `domain.ports.Clock`; sleeping moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic = 0.0
        self.on_sleep: Callable[[], None] | None = None
        """What happens in the world while somebody sleeps."""

    def now(self) -> datetime:
        """The instant that the test has come to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that were moved forward so far."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Moves the clock, and lets others run."""
        self.move(seconds=seconds)
        if self.on_sleep is not None:
            self.on_sleep()
        await asyncio.sleep(0)

    def move(self, *, seconds: float) -> None:
        """Forward, or back as a clock does that was set wrong; monotonic time only goes forward."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += max(0.0, seconds)
