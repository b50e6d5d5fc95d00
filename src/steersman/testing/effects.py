"""An effect ledger: a shelf in a process of its own, with its own file, that survives the kills of whoever uses it.

It counts what was really done, whatever a journal says: `create` and `delete` drop a repeated key, `put` is done (and
counted) as often as it is asked for. An effect can be delayed, so that it comes after its caller's death.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx

from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import Binding, CallContext, Handler
from steersman.testing.shelf import ENVIRONMENT, OPERATIONS

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS shelf (world TEXT, name TEXT, value INTEGER, PRIMARY KEY (world, name));
CREATE TABLE IF NOT EXISTS effects (id INTEGER PRIMARY KEY, world TEXT, verb TEXT, name TEXT, key TEXT);
CREATE INDEX IF NOT EXISTS by_key ON effects (world, key);
"""


class Effect(NamedTuple):
    """One thing that was really done."""

    verb: str
    name: str
    key: str


class Book:
    """The ledger's file."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.executescript(_SCHEMA)

    def put_up(self, world: str, values: Mapping[str, int]) -> None:
        """Sets a world up."""
        with self._lock:
            rows = [(world, name, value) for name, value in values.items()]
            self._connection.executemany("INSERT OR REPLACE INTO shelf VALUES (?, ?, ?)", rows)

    def values(self, world: str) -> dict[str, int]:
        """What lies on a world's shelf."""
        with self._lock:
            rows = self._connection.execute("SELECT name, value FROM shelf WHERE world = ?", (world,)).fetchall()
        return dict(rows)

    def effects(self, world: str) -> list[Effect]:
        """What was done in a world, in order."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT verb, name, key FROM effects WHERE world = ? ORDER BY id", (world,)
            ).fetchall()
        return [Effect(*row) for row in rows]

    def do(self, world: str, verb: str, arguments: JsonObject, *, key: str) -> JsonObject:
        """Does one operation in one transaction. Raises ToolError when the shelf will not."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                return self._do(world, verb, arguments, key=key)
            finally:
                self._connection.execute("COMMIT")

    def _do(self, world: str, verb: str, arguments: JsonObject, *, key: str) -> JsonObject:
        name = str(arguments["name"])
        seen = "SELECT 1 FROM effects WHERE world = ? AND key = ? LIMIT 1"
        repeated = verb in ("create", "delete") and self._connection.execute(seen, (world, key)).fetchone()
        if verb == "get" or repeated:
            return self._state(world, name)
        there = self._state(world, name)["exists"] is True
        if (verb == "create") == there:
            raise ToolError(f"cannot {verb} {name!r}: it is {'' if there else 'not '}on the shelf")
        if verb == "delete":
            self._connection.execute("DELETE FROM shelf WHERE world = ? AND name = ?", (world, name))
        else:
            row = (world, name, arguments["value"])
            self._connection.execute("INSERT OR REPLACE INTO shelf VALUES (?, ?, ?)", row)
        self._connection.execute(
            "INSERT INTO effects (world, verb, name, key) VALUES (?, ?, ?, ?)", (world, verb, name, key)
        )
        return self._state(world, name)

    def _state(self, world: str, name: str) -> JsonObject:
        row = self._connection.execute("SELECT value FROM shelf WHERE world = ? AND name = ?", (world, name)).fetchone()
        return {"exists": True, "value": row[0]} if row else {"exists": False}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, book: Book) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.book = book

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers die here in the middle of a sentence: that is what this ledger is for."""


class _Requests(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """One operation: the effect comes `delay_s` after the request, whether or not somebody still listens."""
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        except ValueError:
            self.close_connection = True  # the caller died while it sent: that was no request
            return
        time.sleep(body["delay_s"])
        try:
            answer, status = self.server.book.do(body["world"], body["verb"], body["arguments"], key=body["key"]), 200
        except ToolError as e:
            answer, status = {"error": str(e)}, 409
        payload = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Says nothing."""


def serve(path: Path) -> None:
    """Serves a ledger on a free port, which it prints, until its standard input is closed."""
    server = _Server(Book(path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


class EffectShelf:
    """The `shelf` toolset on a ledger."""

    name = "shelf"

    def __init__(self, client: httpx.AsyncClient, *, world: str, delay_s: float = 0.0) -> None:
        self._client = client
        self._world = world
        self._delay_s = delay_s

    def bindings(self) -> Sequence[Binding]:
        """All of its operations."""
        return [Binding(operation, self._handler(operation.name)) for operation in OPERATIONS.values()]

    async def environment(self) -> Environment:
        """The shelf of the plans in `testing.plans`."""
        return ENVIRONMENT

    def _handler(self, operation: str) -> Handler:
        verb = operation.partition(".")[2]

        async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
            return await self._ask(verb, arguments, context.key)

        return run

    async def _ask(self, verb: str, arguments: JsonObject, key: str) -> JsonObject:
        delay_s = 0.0 if verb == "get" else self._delay_s
        body = {"world": self._world, "verb": verb, "arguments": arguments, "key": key, "delay_s": delay_s}
        try:
            response = await self._client.post("/", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as e:
            raise UnavailableError(f"the ledger is not there: {e}") from e
        except httpx.TransportError as e:
            raise OutcomeUnknownError(f"the ledger did not answer: {e}") from e
        answer = response.json()
        if response.status_code != httpx.codes.OK:
            raise ToolError(answer["error"])
        assert isinstance(answer, dict)
        return answer


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
