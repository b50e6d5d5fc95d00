"""A service as its authors see it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from steersman.lab.kit.database import Database
from steersman.lab.kit.outbox import Outbox
from steersman.lab.wire.message import Request, Response

RouteHandler = Callable[..., Awaitable[Response]]


class RefusedError(Exception):
    """The service answers with a status other than success, on purpose."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Caller(Protocol):
    """Calls to other services, with trace context, timeout and retries as configured."""

    async def post(self, service: str, path: str, body: Any) -> Any:
        """The JSON answer. Raises RefusedError with 502 or 504 when there is none."""
        ...

    async def get(self, service: str, path: str) -> Any:
        """The JSON answer. Raises RefusedError with 502 or 504 when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Kit:
    """What a service is given."""

    log: logging.Logger
    calls: Caller
    config: dict[str, float]
    """Settings by name; they may change while the service runs."""
    data_folder: Path
    open_database: Callable[[Path], Database]
    open_outbox: Callable[[str, Callable[[Any], Awaitable[None]]], Outbox]


@dataclass(frozen=True, slots=True)
class Route:
    """One path that the service answers."""

    method: str
    template: str
    handler: RouteHandler

    @property
    def name(self) -> str:
        """Name of its spans."""
        return f"{self.method} {self.template}"


@dataclass(slots=True)
class App:
    """Routes of a service. A template's `{name}` parts are handed to the handler in order."""

    routes: dict[tuple[str, str], Route] = field(default_factory=dict)

    def add(self, method: str, template: str, handler: RouteHandler) -> None:
        """Answers `method` on paths like `template` with `handler(request, *parts)`."""
        self.routes[method, template] = Route(method, template, handler)

    def find(self, request: Request) -> tuple[Route, tuple[str, ...]] | None:
        """The route of a request and the parts of its path."""
        plain = self.routes.get((request.method, request.path))
        if plain is not None:
            return plain, ()
        parts = request.path.split("/")
        for route in self.routes.values():
            if route.method == request.method and (found := _match(route.template.split("/"), parts)) is not None:
                return route, found
        return None


def _match(template: list[str], parts: list[str]) -> tuple[str, ...] | None:
    if len(template) != len(parts):
        return None
    holes: list[str] = []
    for wanted, part in zip(template, parts, strict=True):
        if wanted.startswith("{"):
            holes.append(part)
        elif wanted != part:
            return None
    return tuple(holes)
