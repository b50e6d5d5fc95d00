"""Real servers of the machine, each on a free port with a folder of its own, gone when the test is."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest


def binary(*names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"{names[0]} is not installed: apt-get install --no-install-recommends {names[-1]}")
    return found


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@asynccontextmanager
async def running(arguments: list[str], url: str, log: Path) -> AsyncIterator[None]:
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(*arguments, stdout=out, stderr=out)
    try:
        await _ready(process, url, log)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process, url: str, log: Path) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while True:
            assert process.returncode is None, f"it ended at once; see {log}"
            try:
                if (await client.get(f"{url}/-/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


@asynccontextmanager
async def exporter(text: "Exposition") -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = text.render().encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {len(body)}\r\n"
        writer.write(f"{head}connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Exposition:
    """Counters that grow with each scrape: 20 requests, 5 of them failed, all between 0.1 and 0.25 s."""

    def __init__(self) -> None:
        self.scrapes = 0

    def render(self) -> str:
        self.scrapes += 1
        n = self.scrapes
        name = "http_server_request_duration_seconds"
        lines = [f"# TYPE {name} histogram"]
        for code, count in (("200", 15 * n), ("500", 5 * n)):
            labels = f'service="payments",version="v2",http_response_status_code="{code}"'
            lines += [
                f'{name}_bucket{{{labels},le="{le}"}} {count if le != "0.1" else 0}' for le in ("0.1", "0.25", "+Inf")
            ]
            lines += [f"{name}_sum{{{labels}}} {count * 0.2}", f"{name}_count{{{labels}}} {count}"]
        lines.append('odd_gauge{kind="nan"} NaN')
        lines.append('odd_gauge{kind="quoted \\"x\\" \\\\ \\n 한"} 1')
        return "\n".join(lines) + "\n"
