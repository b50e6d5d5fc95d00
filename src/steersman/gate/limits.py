"""Breaker, bulkhead and deadline: how much is asked of one system at once, for how long, and when not at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from steersman.domain.call import Outcome
from steersman.domain.errors import OutcomeUnknownError, SteersmanError, UnavailableError
from steersman.domain.ports import Clock
from steersman.gate.passage import Link, Passage

FAILURES = 5
OPEN_S = 30.0


@dataclass(slots=True)
class Circuit:
    """Closed until five calls in a row found the system unavailable; then open for a while, then one call may try."""

    failures: int = 0
    opened_at: float | None = None
    trying: bool = False


@dataclass(slots=True)
class Broken:
    """Circuit breaker for each toolset. Undo passes an open one: it must not fail for want of trying."""

    clock: Clock
    inner: Link
    _circuits: dict[str, Circuit] = field(default_factory=dict)

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises UnavailableError while open; when half open exactly one call goes through."""
        circuit = self._circuits.setdefault(passage.operation.toolset, Circuit())
        probing = self._enter(circuit, passage)
        try:
            outcome = await self.inner(passage)
        except UnavailableError:
            circuit.failures += 1
            if circuit.failures >= FAILURES:
                circuit.opened_at = self.clock.monotonic()
            raise
        except SteersmanError:
            circuit.failures, circuit.opened_at = 0, None  # it answered, if only to say no
            raise
        else:
            circuit.failures, circuit.opened_at = 0, None
            return outcome
        finally:
            circuit.trying = circuit.trying and not probing

    def _enter(self, circuit: Circuit, passage: Passage) -> bool:
        if circuit.opened_at is None or passage.call.direction == "undo":
            return False
        waited = self.clock.monotonic() - circuit.opened_at
        if waited < OPEN_S or circuit.trying:
            raise UnavailableError(
                f"{passage.operation.toolset!r} was unavailable {circuit.failures} times in a row; not asked again yet",
                retry_after_s=max(0.0, OPEN_S - waited),
            )
        circuit.trying = True
        return True


@dataclass(slots=True)
class Bulkhead:
    """At most so many calls to one toolset at once; the others wait.

    Undo has places of its own, and reads have: a write that waits for its own probe must not take the probe's place.
    """

    parallel: int
    inner: Link
    _places: dict[tuple[str, str, bool], asyncio.Semaphore] = field(default_factory=dict)

    async def __call__(self, passage: Passage) -> Outcome:
        """Waits for a place."""
        key = (passage.operation.toolset, passage.call.direction, passage.writes)
        places = self._places.setdefault(key, asyncio.Semaphore(self.parallel))
        async with places:
            return await self.inner(passage)


@dataclass(frozen=True, slots=True)
class Deadline:
    """Bounds the whole call, waiting and retries included."""

    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises UnavailableError for a read, OutcomeUnknownError for a write, when the time is up."""
        call = passage.call
        each = (call.timeout_s or passage.operation.timeout_s) + 2 * READ_BACK_S
        total = call.retry.attempts * each * 2 + sum(
            backoff(call.retry.backoff_s, n) for n in range(call.retry.attempts)
        )
        try:
            async with asyncio.timeout(total):
                return await self.inner(passage)
        except TimeoutError as e:
            message = f"{call.operation!r} did not end within {total:.0f} s"
            raise (OutcomeUnknownError(message) if passage.writes else UnavailableError(message)) from e


READ_BACK_S = 30.0
"""What a probe before or after a write may take."""


def backoff(first_s: float, number: int) -> float:
    """Seconds to wait before retry `number`, from 0: doubling, at most half a minute."""
    return float(min(30.0, first_s * 2**number))
