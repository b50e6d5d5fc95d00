"""A proxy in front of any server that speaks over TCP, and kills who asks at a chosen request, at a chosen point of it.

    with Tripwire(port) as wire:
        wire.arm(Trip(rb"PATCH /apis/apps/[^ ]+", "applied"), victim.kill)

It reads bytes, no protocol: HTTP and PostgreSQL without TLS alike. A request is known by what it begins with; both
`httpx` and libpq send that in one piece.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self

Point = Literal["before", "applied", "answered"]
"""The request does not reach the server; it is done and its answer is lost; the answer was sent on."""
POINTS: tuple[Point, ...] = ("before", "applied", "answered")
PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Trip:
    """Where somebody dies."""

    request: bytes
    """A regular expression; found in what the client sends."""
    point: Point
    nth: int = 1
    """Which of the requests that meet it, from 1."""
    unless: bytes = rb'dryRun=All|"dryRun"'
    """Not when this is found, too."""
    after: bytes = b""
    """Only on a connection over which this has gone before, or goes with it."""

    def meets(self, piece: bytes) -> bool:
        """Whether it is the request."""
        return re.search(self.request, piece) is not None and re.search(self.unless, piece) is None


class Tripwire:
    """Passes everything on; once armed, the first request that meets the trip sets it off, and none after it."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.sprung = threading.Event()
        self._behind = (host, port)
        self._trip: Trip | None = None
        self._kill: Callable[[], None] = _nothing
        self._seen = 0
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()

    @property
    def port(self) -> int:
        """Where it listens, on the loopback."""
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        """The same for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def arm(self, trip: Trip, kill: Callable[[], None]) -> None:
        """Kills at the next request that meets the trip."""
        self.sprung.clear()
        self._seen, self._kill, self._trip = 0, kill, trip

    def disarm(self) -> None:
        """Nobody dies any more."""
        self._trip = None

    def __enter__(self) -> Self:
        """Listens from now on."""
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        """Closes all connections."""
        for each in (self._listening, *tuple(self._open)):
            _close(each)
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listening.accept()[0]
                server = socket.create_connection(self._behind)
            except OSError:
                return  # it was closed, or nobody is behind it
            self._open |= {client, server}
            pair = _Pair(client, server)
            self._start(self._forward, pair)
            self._start(self._answer, pair)

    def _forward(self, pair: _Pair) -> None:
        with suppress(OSError):
            while piece := pair.client.recv(PIECE_BYTES):
                trip = self._taken(piece, pair)
                if trip is not None and trip.point == "before":
                    self._spring()
                    break
                pair.trip = trip or pair.trip
                pair.server.sendall(piece)
        pair.close()

    def _answer(self, pair: _Pair) -> None:
        with suppress(OSError):
            while piece := pair.server.recv(PIECE_BYTES):
                trip, pair.trip = pair.trip, None
                if trip is not None and trip.point == "applied":
                    self._spring()
                    break
                pair.client.sendall(piece)
                if trip is not None:
                    self._spring()
        pair.close()

    def _taken(self, piece: bytes, pair: _Pair) -> Trip | None:
        """The trip, when this piece meets it; only one can."""
        with self._lock:
            trip = self._trip
            pair.begun |= trip is not None and re.search(trip.after, piece) is not None
            if trip is None or not pair.begun or not trip.meets(piece):
                return None
            self._seen += 1
            if self._seen < trip.nth:
                return None
            self._trip = None
            return trip

    def _spring(self) -> None:
        self._kill()
        self.sprung.set()


@dataclass(slots=True)
class _Pair:
    client: socket.socket
    server: socket.socket
    trip: Trip | None = None
    begun: bool = False

    def close(self) -> None:
        """Both sides."""
        _close(self.client)
        _close(self.server)


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _nothing() -> None:
    """Before it is armed."""
