"""One opened system: its toolset, its own state, what other people do in it, and a line that can lose an answer."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

import httpx
from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.domain.ports import Toolset
from steersman.testing.toolset_conformance import Example

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
QUESTIONS = ("accessreviews", "/token", "/sys/leases/lookup")
"""Ends of paths that are asked by POST and change nothing."""
MADE_UP = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=/orders-)\d+")
"""Ids of what each scene makes: another one for the same thing."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody else does, past Steersman."""

    what: str
    do: Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Line:
    """The way to a system: counts the writes that arrived and were done, and loses the answer of a chosen one."""

    done: list[str] = field(default_factory=list)
    lose: int = 0
    """The n-th write from now on is done and not answered; 0: none."""
    lost: int = 0

    def arrived(self, what: str) -> bool:
        """Notes a write that was done; whether its answer is to be lost."""
        self.done.append(MADE_UP.sub("{id}", what))
        if not self.lose:
            return False
        self.lose -= 1
        self.lost += not self.lose
        return not self.lose

    def saw(self, request: httpx.Request, response: httpx.Response) -> None:
        """Raises ReadError instead of the answer that is to be lost."""
        rehearsed = "dryRun" in request.url.params or b'"dryRun"' in request.content
        asked = request.method not in WRITES or rehearsed
        if asked or request.url.path.endswith(QUESTIONS) or not response.is_success:
            return
        if self.arrived(f"{request.method} {request.url.path}"):
            raise httpx.ReadError("the connection was closed before the answer", request=request)

    def serve(self, server: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
        """A double at the other end of this line."""

        def answer(request: httpx.Request) -> httpx.Response:
            response = server(request)
            self.saw(request, response)
            return response

        return answer


class Wire(httpx.AsyncBaseTransport):
    """A line to whatever is behind a transport."""

    def __init__(self, inner: httpx.AsyncBaseTransport, line: Line) -> None:
        self._inner = inner
        self._line = line

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, unless it is to be lost."""
        response = await self._inner.handle_async_request(request)
        try:
            self._line.saw(request, response)
        except httpx.ReadError:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        """Closes what is behind."""
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class Scene:
    """A system in its first state."""

    toolset: Toolset
    truth: Callable[[], Awaitable[JsonValue]]
    """All that its writes can reach, read past the toolset: without versions, times and what its controllers keep."""
    others: Callable[[Operation, JsonObject], Sequence[Edit]]
    """Edits of what a call changes or relies on, each of which its probe must show."""
    noise: Callable[[Operation, JsonObject], Sequence[Edit]]
    """Edits that concern the call in nothing."""
    line: Line = field(default_factory=Line)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By operation: places that it moves, or lets controllers move, beyond what it declares that its undo restores."""
    examples: Sequence[Example] = ()
    """Calls that work only in this scene; empty: those of the system."""


class System(ABC):
    """Where scenes come from."""

    name: str
    """Unique; where one toolset acts on several systems it says which."""
    stands_on: str
    """A real program, or a strict double."""
    alone: bool = False
    """Scenes share one server, so that only one can be open."""
    slow: bool = False
    """Left out where there is little time."""
    examples: Sequence[Example] = ()

    def missing(self) -> str:
        """What this machine lacks for it; empty: nothing."""
        return ""

    @abstractmethod
    def opened(self) -> AbstractAsyncContextManager[Scene]:
        """A scene, always in the same state."""

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """While the server that all scenes share runs."""
        yield


def differences(one: JsonValue, other: JsonValue, at: str = "") -> list[str]:
    """Where two documents differ: `/path: before -> after` each."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [each for key in keys for each in differences(one.get(key), other.get(key), f"{at}/{key}")]
    return [] if one == other else [f"{at}: {one!r} -> {other!r}"[:300]]


VALUES: dict[str, Callable[[Random], JsonValue]] = {
    "replicas": lambda dice: dice.choice([0, 1, 3, 5, 7, 9]),
    "min_replicas": lambda dice: dice.randint(1, 3),
    "max_replicas": lambda dice: dice.randint(4, 30),
    "target": lambda dice: dice.randint(2, 900),
    "cpu_limit": lambda dice: dice.choice(["", "500m", "2", "3500m"]),
    "memory_limit": lambda dice: dice.choice(["", "64Mi", "1Gi"]),
    "environment": lambda dice: {f"K{n}": word(dice) for n in range(dice.randint(0, 3))},
    "restart_token": lambda dice: f"2026-11-25T20:00:{dice.randint(10, 59)}Z",
    "max_surge": lambda dice: dice.choice(["1", "2", "30%", "100%"]),
    "min_available": lambda dice: dice.choice([1, 2, "50%"]),
    "cpu": lambda dice: dice.choice(["15", "20", "40"]),
    "memory": lambda dice: dice.choice(["4Gi", "64Gi"]),
    "rate": lambda dice: dice.randint(10, 60),
    "kept_days": lambda dice: dice.randint(1, 90),
    "title": lambda dice: f"Patch {word(dice)}",
    "body": lambda dice: f"It says {word(dice)}.\n\n- {word(dice)}",
    "comment": lambda dice: f"deployment of {word(dice)}",
    "text": lambda dice: f"payments {word(dice)}",
}
"""Arguments that may have any value: what makes each change another one."""


def word(dice: Random) -> str:
    """A word that nobody has said before."""
    return "".join(dice.choices("abcdefghijkmnpqrstuvwxyz23456789", k=8))


def varied(example: Example, dice: Random) -> Example:
    """The same call with other values."""
    arguments = {name: VALUES[name](dice) if name in VALUES else value for name, value in example.arguments.items()}
    return replace(example, arguments=arguments)
