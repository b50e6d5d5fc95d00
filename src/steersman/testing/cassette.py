"""A recorded exchange with a real server, played back: the answer comes only when the request is the recorded one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

Server = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One cassette."""

    name: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: str | None
    status: int
    headers: dict[str, str]
    answer: bytes

    @property
    def document(self) -> Any:
        """The answer as JSON."""
        return json.loads(self.answer)

    def response(self) -> httpx.Response:
        """The recorded answer."""
        return httpx.Response(self.status, headers=self.headers, content=self.answer)


def load(path: Path) -> Exchange:
    """The cassette in a file."""
    recorded = json.loads(path.read_text(encoding="utf-8"))
    asked, told = recorded["request"], recorded["response"]
    text = told["body"] or ""
    return Exchange(
        name=recorded["name"],
        method=asked["method"],
        path=asked["path"],
        query=tuple((name, value) for name, value in asked.get("query") or ()),
        body=asked.get("body"),
        status=told["status"],
        headers={k: v for k, v in told["headers"].items() if k in {"content-type", "retry-after", "warning"}},
        answer=base64.b64decode(text) if recorded.get("body_encoding") == "base64" else text.encode(),
    )


@dataclass(slots=True)
class Player:
    """A server that knows some exchanges, each to be asked for in this order."""

    exchanges: Sequence[Exchange]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The next answer. Raises AssertionError when the request is another than was recorded."""
        expected = self.exchanges[len(self.asked)]
        self.asked.append(request)
        sent = (request.method, request.url.path, tuple(sorted(request.url.params.multi_items())))
        wanted = (expected.method, expected.path, tuple(sorted(expected.query)))
        if sent != wanted:
            raise AssertionError(f"{expected.name}: sent {sent}, recorded {wanted}")
        if expected.body is not None and request.content.decode() != expected.body:
            raise AssertionError(f"{expected.name}: sent body {request.content!r}, recorded {expected.body!r}")
        return expected.response()
