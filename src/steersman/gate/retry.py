"""Trying again: only what is certain not to have happened, and only what may be repeated at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from steersman.domain.call import Call, Outcome
from steersman.domain.errors import ConcurrencyError, OutcomeUnknownError, UnavailableError
from steersman.domain.event import CallSettled
from steersman.domain.ports import Clock
from steersman.gate.attempt import earlier_outcome
from steersman.gate.history import Histories
from steersman.gate.limits import backoff
from steersman.gate.passage import Link, Passage

SettleCall = Callable[[Call], Awaitable[CallSettled | None]]


@dataclass(frozen=True, slots=True)
class Retried:
    """Repeats calls that found the system unavailable. Reads always may be; writes as their operation declares.

    A keyed write goes under the same key. A natural one goes only as a compare-and-set: it begins with a look at what
    is there. One that is neither is never repeated.
    """

    clock: Clock
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises the last error when the attempts are used up."""
        allowed = passage.call.retry.attempts
        if passage.writes and passage.operation.idempotent == "no":
            allowed = 1
        for number in range(allowed):
            try:
                return await self.inner(passage)
            except OutcomeUnknownError:
                raise
            except UnavailableError as e:
                if number + 1 >= allowed:
                    raise
                await self.clock.sleep(e.retry_after_s or backoff(passage.call.retry.backoff_s, number))
        raise ConcurrencyError(f"{passage.call.operation!r} was to be tried {allowed} times; say at least once")


@dataclass(frozen=True, slots=True)
class Settled:
    """Numbers the attempts of a write, and settles what nobody answered before anything else is done."""

    histories: Histories
    settle: SettleCall
    clock: Clock
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises OutcomeUnknownError when read-back cannot tell, UnavailableError when it shows no effect."""
        if not passage.writes:
            return await self.inner(passage)
        call = passage.call
        record = (await self.histories.of(call.run_id)).record(call.step_id, call.direction)
        if record.open_intent is not None:
            earlier = await self._settled(passage)
            if earlier is not None:
                return earlier
            record = (await self.histories.of(call.run_id)).record(call.step_id, call.direction)
        try:
            return await self.inner(replace(passage, attempt=record.attempts + 1))
        except OutcomeUnknownError as e:
            found = await self._settled(passage)
            if found is not None:
                return found
            raise UnavailableError(f"{e}; read-back shows that it had no effect") from e

    async def _settled(self, passage: Passage) -> Outcome | None:
        settled = await self.settle(passage.call)
        if settled is None or settled.result in ("not_happened", "failed"):
            return None
        if settled.result == "done":
            return earlier_outcome(settled, self.clock.now()).model_copy(update={"settled": "probed"})
        raise OutcomeUnknownError(
            f"{passage.call.operation!r} was sent, no answer came, and read-back cannot tell: a person has to look"
        )
