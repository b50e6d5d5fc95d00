"""A target with a histogram and a count of its own: what really happened, told by the one it happened to."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from steersman.domain.histogram import Histogram

ANSWER = b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass(slots=True)
class Target:
    """Answers after a time drawn from a lognormal distribution; some paths fail."""

    port: int = 0
    median_s: float = 0.02
    sigma: float = 0.4
    breaks_above: float = 0.0
    """Requests in the last second beyond which it fails; 0: it never does."""
    seen: list[str] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    talks: set[asyncio.Task[None]] = field(default_factory=set)
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def latency(self) -> Histogram:
        return Histogram.of(self.took_ms)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.talks.add(task)
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has gone, or the test has ended
        finally:
            self.talks.discard(task)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            begun = time.perf_counter()
            lines = head.split("\r\n")
            for line in lines[1:]:
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    await reader.readexactly(int(value))
            path = lines[0].split(" ")[1]
            self.asked.set()
            self.seen.append(lines[0])
            self.arrivals.append(begun)
            await self._wait(path)
            if self.breaks_above and sum(at > begun - 1 for at in self.arrivals[-1_000:]) > self.breaks_above:
                path = "/broken"
            status = {"/missing": b"404 Not Found", "/broken": b"500 Oops", "/away": b"302 Found"}.get(path, b"200 OK")
            extra = b"\r\nLocation: http://127.0.0.1:1/" if path == "/away" else b""
            writer.write(ANSWER % (status + extra))
            self.took_ms.append((time.perf_counter() - begun) * 1_000)
            await writer.drain()

    async def _wait(self, path: str) -> None:
        await asyncio.sleep(30 if path == "/hang" else self.median_s * self.dice.lognormvariate(0, self.sigma))


@contextlib.asynccontextmanager
async def serving(target: Target) -> AsyncIterator[Target]:
    """The target on a free port."""
    server = await asyncio.start_server(target._talk, "127.0.0.1", 0, backlog=512)
    target.port = server.sockets[0].getsockname()[1]
    try:
        yield target
    finally:
        server.close()
        talks = tuple(target.talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks)
