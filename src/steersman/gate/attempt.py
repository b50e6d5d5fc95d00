"""One attempt: what it may cost, what is written down before and after it, how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from steersman.domain.call import Outcome
from steersman.domain.errors import (
    BudgetExceededError,
    ConcurrencyError,
    GuardrailError,
    OutcomeUnknownError,
    SteersmanError,
    ToolError,
    UnavailableError,
)
from steersman.domain.event import CallIntended, CallSettled, ReadMade
from steersman.domain.fact import JsonObject
from steersman.domain.plan import Budget
from steersman.domain.ports import CallContext, Clock
from steersman.gate.history import Histories
from steersman.gate.passage import Link, Passage
from steersman.gate.redaction import Redactor
from steersman.gate.snapshot import differences
from steersman.journal.port import Journal

Probe = Callable[[Passage], Awaitable[JsonObject | None]]
"""What the operation's probe shows now; None when it has none."""

READ_BACKS = 3
READ_BACK_WAIT_S = 0.2


@dataclass(frozen=True, slots=True)
class Budgeted:
    """Charges each attempt to its run. Undo has a reserve that the way forward cannot use up."""

    histories: Histories

    async def __call__(self, passage: Passage) -> Passage:
        """Raises BudgetExceededError when the run has none left."""
        call = passage.call
        budget = call.budget or Budget()
        history = await self.histories.of(call.run_id)
        if history.plan is not None:
            budget = history.plan.budget
        if call.direction == "undo":
            if history.calls["undo"] >= budget.undo_calls:
                raise BudgetExceededError(f"the reserve of {budget.undo_calls} calls for undo is used up")
        elif history.calls["do"] >= budget.calls:
            raise BudgetExceededError(f"the run's {budget.calls} calls are used up; plan with a larger budget")
        elif history.seconds >= budget.seconds:
            raise BudgetExceededError(
                f"the run's {budget.seconds:.0f} s of calls are used up; plan with a larger budget"
            )
        return passage


@dataclass(frozen=True, slots=True)
class Journaled:
    """Intent durable before a write, outcome after it; reads leave a line."""

    journal: Journal
    histories: Histories
    redactor: Redactor
    clock: Clock
    probe: Probe
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Gives back the outcome of an earlier attempt that is known to have happened instead of doing it again."""
        return await (self._write(passage) if passage.writes else self._read(passage))

    async def _read(self, passage: Passage) -> Outcome:
        call, began, error = passage.call, self.clock.monotonic(), ""
        outcome: Outcome | None = None
        try:
            outcome = await self.inner(passage)
        except SteersmanError as e:
            error = self.redactor.text(str(e))
            raise
        finally:
            seconds = self.clock.monotonic() - began
            if call.route == "plan":
                await self._settle_read(passage, outcome, error=error, seconds=seconds)
            else:
                arguments = self.redactor.arguments(passage.operation, call.arguments)
                made = ReadMade(
                    operation=call.operation, arguments=arguments, route=call.route, error=error, seconds=seconds
                )
                await self.journal.append(call.run_id, made)
        return outcome

    async def _settle_read(self, passage: Passage, outcome: Outcome | None, *, error: str, seconds: float) -> None:
        call = passage.call
        record = (await self.histories.of(call.run_id)).record(call.step_id, call.direction)
        settled = CallSettled(
            step_id=call.step_id,
            direction=call.direction,
            attempt=record.attempts + 1,
            operation=call.operation,
            result="done" if outcome is not None else "failed",
            output=self.redactor.document(outcome.output) if outcome is not None else {},
            error=error,
            seconds=seconds,
        )
        await self.journal.append(call.run_id, settled)

    async def _write(self, passage: Passage) -> Outcome:
        call, began, started = passage.call, self.clock.monotonic(), self.clock.now()
        earlier = await self.journal.intend(call.run_id, self._intent(passage), passage.claim)
        if earlier is not None:
            return earlier_outcome(earlier, started)
        try:
            outcome = await self.inner(passage)
            after, wrong = await self._read_back(passage)
        except BaseException as e:
            await self._settle(passage, _result(e), error=self._say(e), seconds=self.clock.monotonic() - began)
            raise
        await self._settle(
            passage, "done", outcome=outcome, after=after, error=wrong, seconds=self.clock.monotonic() - began
        )
        if wrong:
            raise ToolError(f"{call.operation!r} answered, and read-back shows otherwise: {wrong}")
        return outcome.model_copy(update={"before": passage.before, "after": after, "attempts": passage.attempt})

    def _intent(self, passage: Passage) -> CallIntended:
        call, operation = passage.call, passage.operation
        timeout_s = call.timeout_s or operation.timeout_s
        return CallIntended(
            step_id=call.step_id,
            direction=call.direction,
            attempt=passage.attempt,
            operation=call.operation,
            version=operation.version,
            resource=passage.resource,
            arguments=self.redactor.arguments(operation, call.arguments),
            key=call.key,
            before=self._redacted(passage.before),
            expected=self._redacted(passage.expected),
            deadline=self.clock.now() + timedelta(seconds=timeout_s),
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
                after = await self.probe(passage)
            except (GuardrailError, UnavailableError, ToolError):
                return None, ""  # the tool said that it is done; whoever needs to be sure looks again
            wrong = differences(passage.expected, after)
            if not wrong:
                break
        return after, wrong

    async def _settle(
        self,
        passage: Passage,
        result: str,
        *,
        outcome: Outcome | None = None,
        after: JsonObject | None = None,
        error: str = "",
        seconds: float = 0.0,
    ) -> None:
        call = passage.call
        settled = CallSettled.model_validate(
            {
                "step_id": call.step_id,
                "direction": call.direction,
                "attempt": passage.attempt,
                "operation": call.operation,
                "result": result,
                "output": self.redactor.document(outcome.output) if outcome is not None else {},
                "before": self._redacted(passage.before),
                "after": self._redacted(after),
                "error": error,
                "seconds": seconds,
            }
        )
        # Shielded: a cancelled caller must not leave the answer unwritten.
        await asyncio.shield(self.journal.append(call.run_id, settled))

    def _redacted(self, state: JsonObject | None) -> JsonObject | None:
        return self.redactor.document(state) if state is not None else None

    def _say(self, error: BaseException) -> str:
        return self.redactor.text(f"{type(error).__name__}: {error}")


def _result(error: BaseException) -> str:
    """Only an error that says so means that nothing happened; everything else is unknown."""
    if isinstance(error, OutcomeUnknownError):
        return "unknown"
    return "failed" if isinstance(error, (ToolError, UnavailableError, GuardrailError, ConcurrencyError)) else "unknown"


def earlier_outcome(settled: CallSettled, at: object) -> Outcome:
    """An outcome that the journal had already."""
    return Outcome.model_validate(
        {
            "output": settled.output,
            "before": settled.before,
            "after": settled.after,
            "attempts": settled.attempt,
            "settled": "earlier",
            "started_at": at,
            "finished_at": at,
        }
    )


@dataclass(frozen=True, slots=True)
class Handled:
    """The toolset's own code, for at most the call's time."""

    clock: Clock

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises UnavailableError for a read, OutcomeUnknownError for a write, when no answer came in time."""
        call = passage.call
        timeout_s = call.timeout_s or passage.operation.timeout_s
        started = self.clock.now()
        context = CallContext(
            key=call.key,
            deadline=started + timedelta(seconds=timeout_s),
            before=passage.before,
            dry_run=call.dry_run,
        )
        try:
            async with asyncio.timeout(timeout_s):
                output = await passage.binding.run(call.arguments, context)
        except TimeoutError as e:
            message = f"{call.operation!r} did not answer within {timeout_s:g} s"
            raise (OutcomeUnknownError(message) if passage.writes else UnavailableError(message)) from e
        return Outcome(output=output, started_at=started, finished_at=self.clock.now())
