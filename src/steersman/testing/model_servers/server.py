"""A small HTTP server on the loopback that does with each request what its script says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType, TracebackType
from typing import Self

from steersman.domain.fact import JsonObject
from steersman.testing.model_servers import anthropic, gemini, ollama, openai
from steersman.testing.model_servers.replies import Asked, Cut, Garbage, Hang, Reply, Say, Status

PROTOCOLS: dict[str, tuple[ModuleType, str]] = {
    "google_genai": (gemini, ""),
    "openai": (openai, "/v1"),
    "llama_cpp": (openai, "/v1"),
    "anthropic": (anthropic, ""),
    "ollama": (ollama, ""),
}
"""Provider to its protocol, and the path under which its clients expect it."""

JSON_TYPE = "application/json"


@dataclass(slots=True)
class ModelServer:
    """Give it to a provider's client as its URL. `asked` holds what came over the wire."""

    provider: str
    script: Sequence[Reply] | Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens, as the provider's client wants it."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}{PROTOCOLS[self.provider][1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    def _reply(self, asked: Asked) -> Reply:
        if callable(self.script):
            return self.script(asked)
        return self.script[min(len(self.asked), len(self.script)) - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            asked = await _request(reader)
            if asked is not None:
                self.asked.append(asked)
                await self._do(self._reply(asked), asked, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone away, as some tests want it to
        finally:
            writer.close()

    async def _do(self, reply: Reply, asked: Asked, writer: asyncio.StreamWriter) -> None:
        protocol = PROTOCOLS[self.provider][0]
        match reply:
            case Say():
                await _say(reply, asked, protocol, writer)
            case Status():
                await _send(writer, _json(protocol.fault(reply)), code=reply.code, headers=reply.headers)
            case Garbage():
                await _send(writer, reply.body, kind=reply.content_type)
            case Hang():
                await asyncio.sleep(reply.seconds)
            case Cut():
                await _cut(reply, asked, protocol, writer)


async def _say(say: Say, asked: Asked, protocol: ModuleType, writer: asyncio.StreamWriter) -> None:
    if not protocol.streams(asked.path, asked.body):
        await _send(writer, _json(protocol.whole(say)))
        return
    writer.write(_head(200, protocol.STREAM_TYPE, {"transfer-encoding": "chunked"}))
    for event in protocol.events(say):
        writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _cut(cut: Cut, asked: Asked, protocol: ModuleType, writer: asyncio.StreamWriter) -> None:
    """Half of what would have been sent, as if it were all (a stream), or less than was promised (a body)."""
    if protocol.streams(asked.path, asked.body):
        events = list(protocol.events(Say(cut.text)))
        body = b"".join(events[: max(1, len(events) // 2 - 1)])
        writer.write(_head(200, protocol.STREAM_TYPE, {}) + body)
    else:
        body = _json(protocol.whole(Say(cut.text)))
        writer.write(_head(200, JSON_TYPE, {"content-length": str(len(body))}) + body[: len(body) // 2])
    await writer.drain()


async def _send(
    writer: asyncio.StreamWriter,
    body: bytes,
    *,
    code: int = 200,
    kind: str = JSON_TYPE,
    headers: dict[str, str] | None = None,
) -> None:
    writer.write(_head(code, kind, {"content-length": str(len(body)), **(headers or {})}) + body)
    await writer.drain()


def _head(code: int, kind: str, headers: dict[str, str]) -> bytes:
    lines = {"content-type": kind, "connection": "close", **headers}
    return f"HTTP/1.1 {code} X\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in lines.items()).encode() + b"\r\n"


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    first = await reader.readline()
    if not first:
        return None
    path = first.decode().split(" ")[1]
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(path, headers, _object(body))


def _object(body: bytes) -> JsonObject:
    value = json.loads(body) if body else {}
    return value if isinstance(value, dict) else {}


def _json(document: JsonObject) -> bytes:
    return json.dumps(document).encode()
