"""An HTTP client with one bounded pool of connections to one address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httptools

from steersman.lab.wire.message import JSON, Request, Response, request_bytes

CHUNK_BYTES = 65_536


class UnreachableError(Exception):
    """Nobody listens there, or the connection broke."""


class PoolExhaustedError(Exception):
    """No connection of the pool came free in time."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _Parser:
    """Collects one response."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._headers: dict[str, str] = {}
        self.done: Response | None = None
        self.begun = False
        self.keep_alive = True

    def feed(self, data: bytes) -> None:
        self.begun = True
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        kind = self._headers.pop("content-type", JSON)
        for name in ("content-length", "connection", "transfer-encoding"):
            self._headers.pop(name, None)
        self.keep_alive = self._parser.should_keep_alive()
        self.done = Response(self._parser.get_status_code(), b"".join(self._body), kind, self._headers)


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: bool = False

    @property
    def stale(self) -> bool:
        return self.reader.at_eof() or self.writer.transport.is_closing()


@dataclass(slots=True)
class Client:
    """Requests to one address over at most `limit` connections."""

    address: Address
    limit: int = 64
    acquire_s: float = 3.0
    """How long a request waits for a free connection."""
    kept_s: float = 0.0
    """How much longer than its request a connection stays taken; a leak sets it."""
    in_use: int = 0
    _idle: list[_Connection] = field(default_factory=list)
    _free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.limit)

    async def send(self, request: Request, timeout_s: float = 5.0) -> Response:
        """The answer. Raises UnreachableError, PoolExhaustedError, or TimeoutError when none came in time."""
        async with self._slot(), asyncio.timeout(timeout_s):
            while True:
                connection = await self._connection()
                parser = _Parser()
                try:
                    return await self._exchange(connection, request, parser)
                except (ConnectionError, httptools.HttpParserError) as e:
                    connection.writer.close()
                    if not connection.used or parser.begun:
                        raise UnreachableError(f"{self.address}: {e}") from e
                    # An idle connection that the server closed meanwhile has answered nothing: ask on a fresh one.
                except BaseException:
                    connection.writer.close()
                    raise

    def close(self) -> None:
        """Closes idle connections."""
        for connection in self._idle:
            connection.writer.close()
        self._idle.clear()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.acquire_s):
                await self._free.acquire()
        except TimeoutError as e:
            raise PoolExhaustedError(
                f"no connection to {self.address} came free within {self.acquire_s:g} s ({self.limit} in use)"
            ) from e
        self.in_use += 1
        try:
            yield
        finally:
            if self.kept_s:
                asyncio.get_running_loop().call_later(self.kept_s, self._give_back)
            else:
                self._give_back()

    def _give_back(self) -> None:
        self.in_use -= 1
        self._free.release()

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.stale:
                connection.used = True
                return connection
            connection.writer.close()
        try:
            reader, writer = await asyncio.open_connection(self.address.host, self.address.port)
        except OSError as e:
            raise UnreachableError(f"{self.address}: {e.strerror or e}") from e
        return _Connection(reader, writer)

    async def _exchange(self, connection: _Connection, request: Request, parser: _Parser) -> Response:
        connection.writer.write(request_bytes(request, str(self.address)))
        while parser.done is None:
            data = await connection.reader.read(CHUNK_BYTES)
            if not data:
                raise ConnectionResetError("closed without an answer")
            parser.feed(data)
        if parser.keep_alive:
            self._idle.append(connection)
        else:
            connection.writer.close()
        return parser.done
