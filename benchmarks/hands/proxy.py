"""A TCP proxy before a real server: writes go through, and the answer to a chosen one is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from benchmarks.hands.scene import QUESTIONS, Line

Writes = Callable[[bytes], str]
"""What a piece that the client sent changes; empty: nothing."""


@asynccontextmanager
async def proxied(port: int, writes: Writes, line: Line) -> AsyncIterator[int]:
    """The port of a proxy to a local port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        asked: list[str] = []
        both = (_sent(reader, back, writes, asked), _answered(there, writer, asked, line))
        tasks = [asyncio.ensure_future(each) for each in both]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in (writer, back):
            each.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _sent(reader: asyncio.StreamReader, back: asyncio.StreamWriter, writes: Writes, asked: list[str]) -> None:
    while data := await reader.read(65_536):
        if what := writes(data):
            asked.append(what)
        back.write(data)
        await back.drain()


async def _answered(there: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str], line: Line) -> None:
    """The first piece after a write is its answer: the server has done it by then."""
    while data := await there.read(65_536):
        if asked and not _refused(data) and line.arrived(asked.pop(0)):
            return
        asked.clear()
        writer.write(data)
        await writer.drain()


def _refused(data: bytes) -> bool:
    return data.startswith(b"HTTP/1.1 ") and data[9:10] != b"2"


def http_write(data: bytes) -> str:
    """The request line of a request that changes something."""
    word = data.split(b" ", 1)[0]
    if word not in (b"POST", b"PUT", b"PATCH", b"DELETE"):
        return ""
    asked = data.split(b"\r\n", 1)[0].decode("latin-1").rpartition(" ")[0]
    return "" if asked.endswith(QUESTIONS) else asked
