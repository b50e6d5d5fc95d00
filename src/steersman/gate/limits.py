"""Breaker, bulkhead and deadline: how much is asked of one system at once, for how long, and when not at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from steersman.domain.call import Outcome
from steersman.domain.errors import DriftError, OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.ports import Clock
from steersman.gate.history import Histories
from steersman.gate.passage import Link, Passage, refusal

FAILURES = 5
OPEN_S = 30.0
MAX_WAIT_S = 30.0
"""A wait before a retry is no longer; whoever was told to come back later than that is told so at once."""
READ_BACK_S = 30.0
"""What a probe before or after a write may take."""


@dataclass(slots=True)
class Circuit:
    """Closed until five calls in a row found the system unavailable; then open for a while, then one call may try."""

    failures: int = 0
    opened_at: float | None = None
    trying: bool = False


@dataclass(slots=True)
class Broken:
    """Circuit breaker for each system: a toolset, or what an operation names as its circuit.

    Undo passes an open one: it must try.

    The looks that belong to a call which was let through are let through as well, or a write could never be the one
    that tries. Sixty lines of our own, because a library would have to be told about both.
    """

    clock: Clock
    inner: Link
    _circuits: dict[str, Circuit] = field(default_factory=dict)

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises UnavailableError while open; when half open exactly one call goes through."""
        if passage.nested:
            return await self.inner(passage)
        circuit = self._circuits.setdefault(passage.operation.fails_with, Circuit())
        trying = self._enter(circuit, passage)
        try:
            outcome = await self.inner(passage)
        except UnavailableError:
            circuit.failures += 1
            if circuit.failures >= FAILURES:
                circuit.opened_at = self.clock.monotonic()
            raise
        except (ToolError, DriftError):
            circuit.failures, circuit.opened_at = 0, None  # it answered, if only to say no
            raise
        else:
            circuit.failures, circuit.opened_at = 0, None
            return outcome
        finally:
            circuit.trying = circuit.trying and not trying

    def _enter(self, circuit: Circuit, passage: Passage) -> bool:
        if circuit.opened_at is None or passage.call.direction == "undo":
            return False
        waited = self.clock.monotonic() - circuit.opened_at
        if waited < OPEN_S or circuit.trying:
            error = UnavailableError(
                f"{passage.operation.fails_with!r} was unavailable {circuit.failures} times; not asked again yet",
                retry_after_s=max(0.0, OPEN_S - waited),
            )
            passage.notes.append(refusal(passage.call, "breaker", error, reason=str(error)))
            raise error
        circuit.trying = True
        return True


@dataclass(slots=True)
class Bulkhead:
    """At most so many calls to one toolset at once; the others wait.

    Undo has places of its own, and reads have: telemetry must not keep a change waiting. Looks of a write that has its
    place use that place.
    """

    parallel: int
    inner: Link
    _places: dict[tuple[str, str, bool], asyncio.Semaphore] = field(default_factory=dict)

    async def __call__(self, passage: Passage) -> Outcome:
        """Waits for a place."""
        if passage.nested:
            return await self.inner(passage)
        key = (passage.operation.fails_with, passage.call.direction, passage.writes)
        places = self._places.setdefault(key, asyncio.Semaphore(self.parallel))
        async with places:
            return await self.inner(passage)


@dataclass(frozen=True, slots=True)
class Deadline:
    """Bounds a call that has its place, with all of its attempts, and the looks and waits between them."""

    histories: Histories
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises UnavailableError when the time is up, OutcomeUnknownError when a write was under way then."""
        if passage.nested:
            return await self.inner(passage)
        attempts = passage.call.retry.attempts
        total = attempts * (2 * passage.timeout_s + 3 * READ_BACK_S + MAX_WAIT_S)
        try:
            async with asyncio.timeout(total):
                return await self.inner(passage)
        except TimeoutError as e:
            message = f"{passage.call.operation!r} did not end within {total:.0f} s"
            raise (OutcomeUnknownError(message) if await self._open(passage) else UnavailableError(message)) from e

    async def _open(self, passage: Passage) -> bool:
        if not passage.writes:
            return False
        history = await self.histories.of(passage.call.run_id)
        return history.record(passage.call.step_id, passage.call.direction).open_intent is not None


def backoff(first_s: float, number: int) -> float:
    """Seconds to wait before retry `number`, from 0: doubling, at most half a minute."""
    return float(min(MAX_WAIT_S, first_s * 2**number))
