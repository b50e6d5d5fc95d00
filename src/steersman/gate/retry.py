"""Trying again: only what is certain not to have happened, and only what may be repeated at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from steersman.domain.call import Outcome
from steersman.domain.errors import OutcomeUnknownError, UnavailableError
from steersman.domain.event import CallSettled
from steersman.domain.ports import Clock
from steersman.gate.attempt import earlier_outcome
from steersman.gate.history import Histories
from steersman.gate.limits import MAX_WAIT_S, backoff
from steersman.gate.passage import Link, Passage
from steersman.gate.snapshot import EffectFoundError

SettlePassage = Callable[[Passage], Awaitable[CallSettled | None]]


@dataclass(frozen=True, slots=True)
class Retried:
    """Repeats calls that found the system unavailable. Reads always may be; writes as their operation declares.

    A keyed write goes under the same key. A natural one goes only as a compare-and-set: it begins with a look, and goes
    on only when that shows what was there before. One that is neither is never repeated.
    """

    clock: Clock
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises the last error when the attempts are used up."""
        left = passage.call.retry.attempts if repeatable(passage) else 1
        number = 0
        while True:
            try:
                return await self.inner(passage)
            except OutcomeUnknownError:
                raise
            except UnavailableError as e:
                left -= 1
                if left <= 0 or (e.retry_after_s or 0.0) > MAX_WAIT_S:
                    raise
                await self.clock.sleep(e.retry_after_s or backoff(passage.call.retry.backoff_s, number))
                number += 1


def repeatable(passage: Passage) -> bool:
    """Whether the operation declares that it may be tried again."""
    if not passage.writes:
        return True
    operation = passage.operation
    return operation.idempotent == "keyed" or (operation.idempotent == "natural" and operation.probe is not None)


@dataclass(frozen=True, slots=True)
class Settled:
    """Numbers the attempts of a write, and settles what nobody answered before anything else is done."""

    histories: Histories
    settle: SettlePassage
    found: SettlePassage
    """Writes down that the attempt before has happened after all."""
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
        if record.happened and record.settled is not None:
            return earlier_outcome(record.settled, self.clock.now())
        passage = replace(passage, attempt=record.attempts + 1, earlier=record.intent)
        try:
            return await self.inner(passage)
        except EffectFoundError:
            return self._probed(await self.found(passage), passage)
        except OutcomeUnknownError as e:
            found = await self._settled(passage)
            if found is not None:
                return found
            raise UnavailableError(f"{e}; read-back shows that it had no effect") from e

    async def _settled(self, passage: Passage) -> Outcome | None:
        settled = await self.settle(passage)
        if settled is None or settled.result in ("not_happened", "failed"):
            return None
        return self._probed(settled, passage)

    def _probed(self, settled: CallSettled | None, passage: Passage) -> Outcome:
        if settled is not None and settled.result == "done":
            return earlier_outcome(settled, self.clock.now()).model_copy(update={"settled": "probed"})
        raise OutcomeUnknownError(
            f"{passage.call.operation!r} was sent, no answer came, and read-back cannot tell: a person has to look"
        )
