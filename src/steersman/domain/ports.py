"""What others implement or need. Small on purpose; they live below both sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from steersman.domain.call import Call, Outcome
from steersman.domain.environment import Environment
from steersman.domain.fact import Instant, JsonObject
from steersman.domain.ids import OperationName, RunId
from steersman.domain.operation import Operation
from steersman.domain.plan import Plan
from steersman.domain.run import Run
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a handler may know of the call beyond its arguments."""

    key: str
    """Idempotency key: hand it to tools that take one."""
    deadline: Instant
    """The handler must have given up by then."""
    before: JsonObject | None = None
    """What the probe showed just now: compare-and-set on it where the tool can."""
    dry_run: bool = False


Handler = Callable[[JsonObject, CallContext], Awaitable[JsonObject]]
"""Does one operation. Raises ToolError, UnavailableError or OutcomeUnknownError, nothing else that is expected."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An operation and the code that does it."""

    operation: Operation
    run: Handler


class Toolset(Protocol):
    """The operations of one system."""

    @property
    def name(self) -> str:
        """First part of its operations' names."""
        ...

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        ...

    async def environment(self) -> Environment:
        """The identity of what it acts on, asked from the system itself."""
        ...


@runtime_checkable
class LazyToolset(Toolset, Protocol):
    """A toolset of so many operations that each is made when it is first asked for."""

    def names(self) -> Sequence[OperationName]:
        """Names of all operations; makes none."""
        ...

    def binding(self, name: OperationName) -> Binding:
        """One of them, always the same. Raises InputError when there is none."""
        ...


class Source(Protocol):
    """Where telemetry comes from.

    Prometheus, Loki, Tempo, a capture, the lab. Raises UnavailableError when it is down.
    """

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal over a window; points without data are left out."""
        ...

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Log lines, oldest first."""
        ...

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans, oldest first."""
        ...

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """What people and machines did, oldest first."""
        ...


class Caller(Protocol):
    """THE way to call an operation; `gate.Gate` is the one implementation outside of tests."""

    async def call(self, call: Call) -> Outcome:
        """Lets the call through all guards and does it. Raises a SteersmanError otherwise."""
        ...


class Engine(Protocol):
    """Runs a plan to its end, from wherever its journal says it stands."""

    async def run(self, plan: Plan, run_id: RunId) -> Run:
        """The run when it can go no further by itself: final, waiting, paused, or in need of a human."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """Model and version; an index made with another one is rebuilt."""
        ...

    @property
    def dimension(self) -> int:
        """Length of each vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector of unit length for each text."""
        ...
