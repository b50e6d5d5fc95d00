"""Lines as the server sends them over its WebSocket, for a bounded time. Source: grafana.com, "Loki HTTP API", tail.

A reader that is too slow, or a connection that breaks, loses lines: both are counted, and the answer is then not
complete. After a break the same query is opened again from the newest line on; what came twice is told once.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from steersman.domain.errors import UnavailableError
from steersman.domain.ports import Clock
from steersman.remote.shape import reading
from steersman.remote.socket import Listen
from steersman.toolsets.loki.facts import Follow, Followed, Line
from steersman.toolsets.loki.reading import streamed

PATH = "/loki/api/v1/tail"
MOST_BREAKS = 5
PAUSE_S = 0.2
"""Before it is opened again; doubled each time."""


@dataclass(slots=True)
class _Heard:
    """What has come so far."""

    ask: Follow
    start_ns: int
    lines: dict[tuple[str, str, str], Line] = field(default_factory=dict)
    dropped: int = 0
    breaks: int = 0
    opened: bool = False

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= self.ask.limit

    def take(self, text: str) -> None:
        lines, dropped = streamed(json.loads(text), self.ask.max_line_chars)
        self.dropped += dropped
        for line in lines:
            self.lines.setdefault((line.at_ns, line.line, repr(sorted(line.labels.items()))), line)
            self.start_ns = max(self.start_ns, int(line.at_ns))

    def answer(self) -> Followed:
        found = sorted(self.lines.values(), key=lambda line: int(line.at_ns))
        whole = not (self.is_full or self.dropped or self.breaks)
        shown = tuple(found[: self.ask.limit])
        return Followed(lines=shown, complete=whole, dropped_lines=self.dropped, breaks=self.breaks)


@dataclass(frozen=True, slots=True)
class Follower:
    """Listens to a query. name: how messages call the server."""

    name: str
    listen: Listen
    clock: Clock

    async def follow(self, ask: Follow) -> Followed:
        """Lines that came within `follow_s`, in order. Raises what opening raises when nothing was ever heard."""
        heard = _Heard(ask, round(self.clock.now().timestamp() * 1e9))
        try:
            async with asyncio.timeout(ask.follow_s):
                while not heard.is_full and heard.breaks < MOST_BREAKS:
                    await self._once(heard)
                    if not heard.is_full:
                        heard.breaks += 1
                        await self.clock.sleep(PAUSE_S * 2**heard.breaks)
        except TimeoutError:
            pass  # the time is up, which is how it ends as a rule
        return heard.answer()

    async def _once(self, heard: _Heard) -> None:
        """Hears one connection until it ends or breaks. Raises what opening raises, the first time."""
        try:
            await self._hear(heard)
        except UnavailableError:
            if not heard.opened:
                raise

    async def _hear(self, heard: _Heard) -> None:
        query = [("query", str(heard.ask.query)), ("start", str(heard.start_ns)), ("limit", str(heard.ask.limit))]
        async with self.listen(PATH, [*query, ("delay_for", "0")]) as messages:
            heard.opened = True
            async for text in messages:
                with reading(self.name, "tail"):
                    heard.take(text)
                if heard.is_full:
                    return
