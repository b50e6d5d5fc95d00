"""Requests and responses, and their bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

JSON = "application/json"
DEADLINE = "x-request-deadline"
"""Header: the Unix time after which nobody waits for the answer any more."""


@dataclass(slots=True)
class Request:
    """What a client asked. Header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def document(self) -> Any:
        """The body as JSON. Raises ValueError when it is none."""
        return json.loads(self.body)

    def parameters(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.query))

    def expired(self, now_s: float) -> bool:
        """Whether the caller has given up: work on it would only delay those who still wait."""
        until = self.headers.get(DEADLINE)
        return until is not None and float(until) < now_s

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(slots=True)
class Response:
    """What a server answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> Any:
        """The body as JSON. Raises ValueError when it is none."""
        return json.loads(self.body)

    @property
    def failed(self) -> bool:
        """Whether the server says that it failed (5xx)."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def answer(document: Any, status: int = 200) -> Response:
    """A response that carries JSON."""
    return Response(status, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def request_bytes(request: Request, host: str) -> bytes:
    """A request as it goes over the wire."""
    head = [f"{request.method} {request.target} HTTP/1.1", f"host: {host}", f"content-length: {len(request.body)}"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*head, "\r\n"]).encode("latin-1") + request.body


def response_bytes(response: Response) -> bytes:
    """A response as it goes over the wire."""
    phrase = HTTPStatus(response.status).phrase
    head = (
        f"HTTP/1.1 {response.status} {phrase}\r\ncontent-type: {response.content_type}\r\n"
        f"content-length: {len(response.body)}\r\n"
    )
    more = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
    return f"{head}{more}\r\n".encode("latin-1") + response.body
