"""One attempt: what is written down before and after it, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from steersman.domain.call import Outcome
from steersman.domain.errors import (
    GuardrailError,
    OutcomeUnknownError,
    SteersmanError,
    ToolError,
    UnavailableError,
)
from steersman.domain.event import CallIntended, CallSettled, ReadMade
from steersman.domain.fact import JsonObject
from steersman.domain.ids import ResourceId
from steersman.domain.ports import CallContext, Clock
from steersman.gate.passage import Link, Passage
from steersman.gate.redaction import Redactor
from steersman.gate.snapshot import Look, differences, probed
from steersman.journal.port import Journal

T = TypeVar("T")
Result = Literal["done", "failed", "unknown"]

READ_BACKS = 3
READ_BACK_WAIT_S = 0.2


@dataclass(frozen=True, slots=True)
class Journaled:
    """Intent durable before a write, outcome after it; reads leave a line."""

    journal: Journal
    redactor: Redactor
    clock: Clock
    look: Look
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Gives back the outcome of an earlier attempt that is known to have happened instead of doing it again."""
        return await (self._write(passage) if passage.writes else self._read(passage))

    async def _read(self, passage: Passage) -> Outcome:
        call, began, error = passage.call, self.clock.monotonic(), ""
        outcome: Outcome | None = None
        try:
            found = await self.inner(passage)
            # What looks like a secret does not leave the gate: plans, cards, findings and prompts are made of answers.
            outcome = found.model_copy(update={"output": self.redactor.document(found.output)})
        except BaseException as e:
            error = self._say(e)
            raise
        finally:
            seconds = self.clock.monotonic() - began
            # A rehearsal is no step of the plan: it must never look as if the step had been done.
            if call.route == "plan" and not call.dry_run:
                await _written(self._settle_read(passage, outcome, error=error, seconds=seconds))
            else:
                arguments = self.redactor.arguments(passage.operation, call.arguments)
                passage.notes.append(
                    ReadMade(
                        operation=call.operation, arguments=arguments, route=call.route, error=error, seconds=seconds
                    )
                )
        return outcome

    async def _settle_read(self, passage: Passage, outcome: Outcome | None, *, error: str, seconds: float) -> None:
        call, history = passage.call, passage.history
        settled = CallSettled(
            step_id=call.step_id,
            direction=call.direction,
            attempt=(history.record(call.step_id, call.direction).attempts if history else 0) + 1,
            operation=call.operation,
            result="done" if outcome is not None else "failed",
            output=outcome.output if outcome is not None else {},
            error=error,
            seconds=seconds,
        )
        await self._append(passage, settled)

    async def _write(self, passage: Passage) -> Outcome:
        began, started = self.clock.monotonic(), self.clock.now()
        passage = replace(passage, deadline=started + timedelta(seconds=passage.timeout_s))
        earlier = await self._intend(passage)
        if earlier is not None:
            return earlier_outcome(earlier, started)
        try:
            outcome = await self.inner(passage)
            after, wrong = await self._read_back(passage)
        except BaseException as e:
            seconds = self.clock.monotonic() - began
            await _written(self._settle(passage, _result(e), error=self._say(e), seconds=seconds))
            raise
        # What the tool says is done and read-back does not show is not known: it may be late, or wrong.
        result: Result = "unknown" if wrong else "done"
        seconds = self.clock.monotonic() - began
        await _written(self._settle(passage, result, outcome=outcome, after=after, error=wrong, seconds=seconds))
        if wrong:
            raise ToolError(f"{passage.call.operation!r} answered, and read-back shows otherwise: {wrong}")
        return outcome.model_copy(
            update={
                "output": self.redactor.document(outcome.output),
                "before": passage.before,
                "after": after,
                "attempts": passage.attempt,
            }
        )

    async def _intend(self, passage: Passage) -> CallSettled | None:
        """Makes the intent durable, and what was noted before it; one sync serves both."""
        run_id, intent = passage.call.run_id, self._intent(passage)
        if not passage.notes:
            return await self.journal.intend(run_id, intent, passage.claim)
        notes = tuple(passage.notes)
        passage.notes.clear()
        _, earlier = await asyncio.gather(
            self.journal.append(run_id, *map(self.redactor.line, notes)),
            self.journal.intend(run_id, intent, passage.claim),
        )
        return earlier

    def _intent(self, passage: Passage) -> CallIntended:
        call, operation = passage.call, passage.operation
        assert passage.deadline is not None
        restored = call.restores if call.direction == "undo" else None  # nothing else may say what settles it
        return CallIntended(
            step_id=call.step_id,
            direction=call.direction,
            attempt=passage.attempt,
            operation=call.operation,
            version=operation.version,
            resource=ResourceId(self.redactor.text(passage.resource)),
            arguments=self.redactor.arguments(operation, call.arguments),
            key=call.key,
            before=self._redacted(passage.before),
            expected=self._redacted(passage.expected if passage.expected is not None else restored),
            deadline=passage.deadline,
            approval_id=passage.claim.approval_id if passage.claim else None,
        )

    async def _read_back(self, passage: Passage) -> tuple[JsonObject | None, str]:
        """What the probe shows afterwards, and how that differs from what was promised."""
        after: JsonObject | None = None
        wrong = ""
        for number in range(READ_BACKS):
            if number:
                await self.clock.sleep(READ_BACK_WAIT_S)
            try:
                after = await probed(self.look, passage)
            except (GuardrailError, UnavailableError, ToolError):
                return None, ""  # the tool said that it is done; whoever needs to be sure looks again
            wrong = self.redactor.text(differences(self._redacted(passage.expected), self._redacted(after)))
            if not wrong:
                break
        return after, wrong

    async def _settle(
        self,
        passage: Passage,
        result: Result,
        *,
        outcome: Outcome | None = None,
        after: JsonObject | None = None,
        error: str = "",
        seconds: float = 0.0,
    ) -> None:
        call = passage.call
        settled = CallSettled(
            step_id=call.step_id,
            direction=call.direction,
            attempt=passage.attempt,
            operation=call.operation,
            result=result,
            output=self.redactor.document(outcome.output) if outcome is not None else {},
            before=self._redacted(passage.before),
            after=self._redacted(after),
            error=error,
            seconds=seconds,
        )
        await self._append(passage, settled)

    async def _append(self, passage: Passage, settled: CallSettled) -> None:
        notes = tuple(passage.notes)
        passage.notes.clear()
        await self.journal.append(passage.call.run_id, *map(self.redactor.line, notes), settled)

    def _redacted(self, state: JsonObject | None) -> JsonObject | None:
        return self.redactor.document(state) if state is not None else None

    def _say(self, error: BaseException) -> str:
        said = str(error) if isinstance(error, SteersmanError) else ""  # a foreign message may hold anything
        return self.redactor.text(f"{type(error).__name__}: {said}" if said else type(error).__name__)


async def _written(writing: Awaitable[T]) -> T:
    """Shielded: a cancelled caller must not leave the answer unwritten."""
    return await asyncio.shield(asyncio.ensure_future(writing))


def _result(error: BaseException) -> Result:
    """Only an error that says so means that nothing happened; everything else is unknown."""
    if isinstance(error, OutcomeUnknownError):
        return "unknown"
    return "failed" if isinstance(error, (ToolError, UnavailableError, GuardrailError)) else "unknown"


def earlier_outcome(settled: CallSettled, at: datetime) -> Outcome:
    """An outcome that the journal had already."""
    return Outcome(
        output=settled.output,
        before=settled.before,
        after=settled.after,
        attempts=settled.attempt,
        settled="earlier",
        started_at=at,
        finished_at=at,
    )


@dataclass(frozen=True, slots=True)
class Handled:
    """The toolset's own code, for at most the time that the intent says."""

    clock: Clock

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises UnavailableError for a read, OutcomeUnknownError for a write, when no answer came in time."""
        call, started = passage.call, self.clock.now()
        deadline = passage.deadline or started + timedelta(seconds=passage.timeout_s)
        left_s = (deadline - started).total_seconds()
        if left_s <= 0:
            raise UnavailableError(f"{call.operation!r}: the journal was slower than {passage.timeout_s:g} s; not sent")
        context = CallContext(key=call.key, deadline=deadline, before=passage.before, dry_run=call.dry_run)
        try:
            async with asyncio.timeout(left_s):
                output = await passage.binding.run(call.arguments, context)
        except TimeoutError as e:
            message = f"{call.operation!r} did not answer within {passage.timeout_s:g} s"
            raise (OutcomeUnknownError(message) if passage.writes else UnavailableError(message)) from e
        if not isinstance(output, dict):
            raise TypeError(f"{call.operation!r} answered with {type(output).__name__}, not with a JSON object")
        # Not validated once more: thousands of log lines would be looked through twice. What the journal keeps is, and
        # whoever asked reads it into types of its own.
        return Outcome.model_construct(output=output, started_at=started, finished_at=self.clock.now())
