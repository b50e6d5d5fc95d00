"""Lines as they come, for a bounded time, by asking again and again.

`follow` listens to the server's WebSocket instead, which drops lines when the reader is slow, and which many gateways
do not pass on. Asking sees a line a moment later, and one that comes `LATE_S` after its own timestamp not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from steersman.domain.ports import Clock
from steersman.toolsets.loki.client import LokiClient
from steersman.toolsets.loki.facts import Line, LogAnswer, LogSearch, Tail

LATE_S = 5.0
"""Each question looks so far back, for lines that came in after younger ones."""


@dataclass(frozen=True, slots=True)
class Tailer:
    """Follows a query."""

    client: LokiClient
    clock: Clock

    async def tail(self, ask: Tail) -> LogAnswer:
        """Lines whose time lies after the call began, in order; not complete when the limit ended it."""
        began = self.clock.now()
        until = self.clock.monotonic() + ask.follow_s
        seen: dict[tuple[str, str, str], Line] = {}
        while len(seen) < ask.limit:
            await self._look(ask, began, seen)
            left = until - self.clock.monotonic()
            if left <= 0:
                break
            await self.clock.sleep(min(ask.every_s, left))
        lines = sorted(seen.values(), key=lambda line: int(line.at_ns))
        return LogAnswer(lines=tuple(lines[: ask.limit]), complete=len(lines) < ask.limit)

    async def _look(self, ask: Tail, began: datetime, seen: dict[tuple[str, str, str], Line]) -> None:
        now = self.clock.now()
        start = max(began, now - timedelta(seconds=LATE_S + ask.every_s))
        end = max(now, start + timedelta(milliseconds=1))
        search = LogSearch(
            query=ask.query,
            start=start,
            end=end,
            limit=ask.limit,
            direction="forward",
            max_line_chars=ask.max_line_chars,
        )
        for line in (await self.client.logs(search)).lines:
            seen.setdefault((line.at_ns, line.line, repr(sorted({**line.labels, **line.metadata}.items()))), line)
