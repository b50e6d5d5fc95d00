"""A server out of methods and paths: what no route matches is not found, as on a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with the parts of its path that a route names, still percent-encoded parts decoded."""

    request: httpx.Request
    parts: dict[str, str]

    @property
    def query(self) -> httpx.QueryParams:
        """What stands behind the question mark."""
        return self.request.url.params

    def document(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ValueError for anything else."""
        if not self.request.headers.get("content-type", "").startswith("application/json"):
            raise ValueError("the body is not declared as JSON")
        document = json.loads(self.request.content)
        if not isinstance(document, dict):
            raise TypeError("the body is no JSON object")
        return document

    def page(self, found: list[Any], *, size: str = "per_page", most: int = 100) -> list[Any]:
        """One page of a list."""
        length = min(int(self.query.get(size, "30")), most)
        start = (int(self.query.get("page", "1")) - 1) * length
        return found[start : start + length]


Serve = Callable[[Asked], httpx.Response]


@dataclass(slots=True)
class Routes:
    """Routes in order; the first that matches answers."""

    table: list[tuple[str, re.Pattern[str], Serve]] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    """Everything that came in."""

    def on(self, method: str, template: str, serve: Serve) -> None:
        """`{name}` is one segment, `{name*}` the rest of the path or all up to the next fixed part."""
        pattern = re.sub(r"\\{(\w+)\\\*\\}", r"(?P<\1>.+)", re.escape(template))
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern)
        self.table.append((method, re.compile(pattern), serve))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer; 404 where no path matches, 405 where only the method does not."""
        self.asked.append(request)
        path = request.url.raw_path.decode().partition("?")[0]
        known = False
        for method, pattern, serve in self.table:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            known = True
            if method == request.method:
                parts = {name: _decoded(part) for name, part in match.groupdict().items()}
                return serve(Asked(request, parts))
        return httpx.Response(405 if known else 404, json={"message": "Not Found"})


def _decoded(part: str) -> str:
    return httpx.URL(f"http://x/{part}").path[1:]
