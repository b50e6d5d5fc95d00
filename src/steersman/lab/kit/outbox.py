"""A bounded queue inside a service, and the worker that empties it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

LIMIT = 300


@dataclass(slots=True)
class Outbox:
    """Messages that are sent later. When it is full, `put` says so at once."""

    name: str
    send: Callable[[Any], Awaitable[None]]
    slow_s: float = 0.0
    """How much longer each message takes; a fault sets it."""
    _queue: asyncio.Queue[Any] = field(default_factory=lambda: asyncio.Queue(LIMIT))

    @property
    def depth(self) -> int:
        """Messages that wait."""
        return self._queue.qsize()

    @property
    def has_room(self) -> bool:
        """Whether `put` would keep a message now."""
        return not self._queue.full()

    def put(self, message: Any) -> bool:
        """Whether there was room for the message."""
        if self._queue.full():
            return False
        self._queue.put_nowait(message)
        return True

    async def work(self) -> None:
        """Sends messages, one after the other, until cancelled."""
        while True:
            message = await self._queue.get()
            if self.slow_s:
                await asyncio.sleep(self.slow_s)
            await self.send(message)
