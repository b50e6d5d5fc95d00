"""Serves HTTP on a socket that somebody else has bound."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import httptools

from steersman.lab.wire.message import Request, Response, response_bytes

Handler = Callable[[Request], Awaitable[Response]]
CHUNK_BYTES = 65_536
BODY_LIMIT_BYTES = 32 * 1024 * 1024


class _Parser:
    """Collects the requests of one connection."""

    def __init__(self) -> None:
        self.ready: list[Request] = []
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body = b"", {}, bytearray()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        if len(self._body) + len(body) > BODY_LIMIT_BYTES:
            raise ValueError(f"a body is larger than {BODY_LIMIT_BYTES} bytes")
        self._body += body

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("latin-1")
        self.ready.append(Request(method, path, query, self._headers, bytes(self._body)))


class Server:
    """One listening socket and its connections. Requests of one connection are answered in their order."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._idle: dict[asyncio.StreamWriter, bool] = {}
        self._closing = False
        self._drained = asyncio.Event()

    async def start(self, listening: socket.socket) -> None:
        """Accepts connections from now on."""
        self._server = await asyncio.start_server(self._connection, sock=listening, backlog=512)

    async def close(self, drain_s: float = 3.0) -> None:
        """Takes no new connection, lets begun requests end for `drain_s`, closes the rest."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        for writer, idle in self._idle.items():
            if idle:
                writer.close()
        if self._idle:
            try:
                await asyncio.wait_for(self._drained.wait(), drain_s)
            except TimeoutError:
                for writer in self._idle:
                    writer.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = _Parser()
        self._idle[writer] = True
        try:
            while data := await reader.read(CHUNK_BYTES):
                parser.feed(data)
                self._idle[writer] = False
                for request in parser.ready:
                    writer.write(response_bytes(await self._handler(request)))
                parser.ready.clear()
                self._idle[writer] = True
                if self._closing:
                    break
                await writer.drain()
        except (ConnectionError, httptools.HttpParserError):
            pass  # the client went away or speaks no HTTP: there is nobody to tell
        finally:
            del self._idle[writer]
            writer.close()
            if self._closing and not self._idle:
                self._drained.set()
