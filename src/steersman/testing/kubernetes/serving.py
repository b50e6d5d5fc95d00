"""The cluster behind an httpx client, and behind a real HTTP port."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx

from steersman.testing.kubernetes.asking import Ask
from steersman.testing.kubernetes.cluster import ADMIN_TOKEN, BEAT_S, Cluster
from steersman.testing.kubernetes.status import Reply

REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 409: "Conflict", 410: "Gone", 415: "Unsupported Media Type",
           422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error",
           504: "Gateway Timeout"}  # fmt: skip


class ClusterTransport(httpx.AsyncBaseTransport):
    """Stands in for the network: no socket, no thread."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The cluster's answer."""
        ask = Ask(
            request.method,
            request.url.path,
            dict(request.url.params.multi_items()),
            {name.lower(): value for name, value in request.headers.items()},
            await request.aread(),
        )
        reply = await self.cluster.handle(ask)
        headers = _headers(reply)
        if reply.stream is not None:
            return httpx.Response(reply.status, headers=headers, stream=_Stream(reply.stream))
        return httpx.Response(reply.status, headers=headers, content=_body(reply))


class _Stream(httpx.AsyncByteStream):
    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        self._lines = lines

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for line in self._lines:
            yield line

    async def aclose(self) -> None:
        close = getattr(self._lines, "aclose", None)
        if close is not None:
            await close()


def _headers(reply: Reply) -> dict[str, str]:
    kind = "text/plain; charset=utf-8" if reply.text is not None else "application/json"
    return {"cache-control": "no-cache, private", "content-type": kind, **reply.headers}


def _body(reply: Reply) -> bytes:
    if reply.text is not None:
        return reply.text.encode()
    return json.dumps(reply.document, separators=(",", ":")).encode() + b"\n"


@asynccontextmanager
async def served(cluster: Cluster, *, port: int = 0) -> AsyncIterator[str]:
    """The URL of the cluster on the loopback; its controllers run meanwhile."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _one(cluster, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client has gone
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def beat() -> None:
        while True:
            cluster.beat()
            await asyncio.sleep(BEAT_S)

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    async with asyncio.TaskGroup() as group:
        beating = group.create_task(beat())
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            server.close_clients() if hasattr(server, "close_clients") else None
            beating.cancel()


async def _one(cluster: Cluster, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Reads one request and answers it; False when the client has no more."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, raw, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length") or 0))
    url = urlsplit(raw)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    reply = await cluster.handle(Ask(method, unquote(url.path), query, headers, body))
    await _answer(reply, writer)
    return headers.get("connection", "").lower() != "close"


async def _answer(reply: Reply, writer: asyncio.StreamWriter) -> None:
    head = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Unknown')}"]
    headers: dict[str, Any] = _headers(reply)
    body = b"" if reply.stream is not None else _body(reply)
    headers |= {"transfer-encoding": "chunked"} if reply.stream is not None else {"content-length": len(body)}
    head += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
    await writer.drain()
    if reply.stream is not None:
        async for line in reply.stream:
            writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def kubeconfig(url: str, folder: Path, *, context: str = "double", token: str = ADMIN_TOKEN) -> Path:
    """Writes a kubeconfig with one context for the cluster at a URL, and gives back its path."""
    path = folder / "kubeconfig.json"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": context,
                "clusters": [{"name": context, "cluster": {"server": url}}],
                "users": [{"name": context, "user": {"token": token}}],
                "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
            },
            indent=1,
        )
    )
    path.chmod(0o600)
    return path
