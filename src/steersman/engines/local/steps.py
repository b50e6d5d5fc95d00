"""One step forward: preconditions, the call, postconditions, the hold. Also what each kind of failure means."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from steersman.domain.call import Call, Direction, Outcome
from steersman.domain.errors import (
    ApprovalNeededError,
    ConcurrencyError,
    GuardrailError,
    IntegrityError,
    OutcomeUnknownError,
    SteersmanError,
    StoppedError,
    ToolError,
)
from steersman.domain.event import CallSettled, StepMoved
from steersman.domain.expression import Scope
from steersman.domain.fact import JsonObject
from steersman.domain.ids import StepId
from steersman.domain.plan import Check, Step
from steersman.engines.local.control import Halt, InterruptedWaitError
from steersman.engines.local.session import Session
from steersman.engines.local.watch import Watch

SETTLE_TRIES = 3
SLOW_READ_S = 0.2


async def settle(session: Session, step: StepId, direction: Direction) -> CallSettled | None:
    """What became of a call without outcome, by read-back; None when that cannot be found out."""
    for attempt in range(SETTLE_TRIES):
        settled = await session.deps.authority.settle(session.run_id, step, direction)
        if settled is not None and settled.result != "unknown":
            return settled
        if attempt + 1 < SETTLE_TRIES:
            await session.deps.clock.sleep(session.deps.settings.inverse_backoff_s)
    return None


@dataclass(frozen=True, slots=True)
class StepRunner:
    """Executes the steps of a run, each from wherever the journal says it stands."""

    session: Session

    async def __call__(self, step_id: StepId) -> bool:
        """Whether the step is done, so that its dependents may start. Otherwise the run has been halted."""
        step = self.session.progress.steps[step_id]
        try:
            return await self._execute(step)
        except InterruptedWaitError:
            return False
        except (ConcurrencyError, IntegrityError):
            raise
        except SteersmanError as e:
            await self._failed(step, e)
            return False

    async def _execute(self, step: Step) -> bool:
        progress = self.session.progress
        if progress.run.steps[step.id].open_intent is not None:
            await self._settle(step)
        if step.id not in progress.outputs:
            await self._check_all(step, step.preconditions, "precondition")
            await self._call(step)
        await self._check_all(step, step.postconditions, "postcondition")
        if step.hold is not None and not await Watch(self.session).hold(step, step.hold):
            return False
        done = StepMoved(step_id=step.id, direction="do", state="done")
        if step.hold is None and not step.postconditions:
            self.session.note(done)
        else:
            await self.session.append(done)
        progress.done.add(step.id)
        return True

    async def _settle(self, step: Step) -> None:
        settled = await settle(self.session, step.id, "do")
        if settled is None:
            raise OutcomeUnknownError(
                f"step {step.id!r} was sent and nobody can say whether it happened; look, then `steer runs resume`"
            )
        if settled.result == "done":
            self.session.progress.happened(step, self.session.progress.target(step), settled)

    async def _check_all(self, step: Step, checks: tuple[Check, ...], kind: str) -> None:
        scope = Scope(outputs=self.session.progress.outputs)
        for number, check in enumerate(checks):
            with self.session.control.interruptible():
                wrong = await self.session.reader.check(check, about=f"{step.id}:{kind}:{number}", scope=scope)
            if wrong:
                raise ToolError(f"{kind} of step {step.id!r}: {wrong}")

    async def _call(self, step: Step) -> None:
        progress = self.session.progress
        target = progress.target(step)
        if target.operation.effect == "read":
            with self.session.control.interruptible(), self._shown_when_slow(step):
                progress.happened(step, target, await self._send(step, target.arguments, None))
            return
        if self.session.control.halted():
            raise InterruptedWaitError
        self.session.lease.hold()
        progress.wrote_at = progress.wrote_at or self.session.deps.clock.now()
        with self.session.control.interruptible() if target.operation.interruptible else nullcontext():
            outcome = await self._send(step, target.arguments, progress.expects(target))
        progress.happened(step, target, outcome)

    @contextmanager
    def _shown_when_slow(self, step: Step) -> Iterator[None]:
        """A write is seen to run by its intent; a read leaves no trace until it ends, so a long one leaves a note."""
        running = StepMoved(step_id=step.id, direction="do", state="running")
        timer = asyncio.get_running_loop().call_later(SLOW_READ_S, self.session.note, running)
        try:
            yield
        finally:
            timer.cancel()

    async def _send(self, step: Step, arguments: JsonObject, expects: JsonObject | None) -> Outcome:
        plan, run = self.session.progress.plan, self.session.progress.run
        return await self.session.deps.caller.call(
            Call(
                operation=step.operation,
                version=step.version,
                arguments=arguments,
                environment=plan.environment,
                principal=run.requester,
                route="plan",
                run_id=run.run_id,
                step_id=step.id,
                grant=self.session.grant,
                step_approval=self.session.step_approvals.get(step.id),
                expects=expects,
                timeout_s=step.timeout_s,
                retry=step.retry,
                budget=plan.budget,
            )
        )

    async def _failed(self, step: Step, error: SteersmanError) -> None:
        reason = f"step {step.id!r}: {error}"
        match error:
            case ApprovalNeededError():
                self.session.control.stop(Halt("wait", reason))
            case StoppedError():
                self.session.control.stop(Halt("pause", reason))
            case OutcomeUnknownError():
                self.session.control.stop(Halt("human", reason))
            case _:
                self.session.control.stop(Halt("undo", reason, refused=isinstance(error, GuardrailError)))
                await self.session.append(StepMoved(step_id=step.id, direction="do", state="failed", reason=str(error)))
