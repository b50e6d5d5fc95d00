"""A journal in memory, a gate that keeps only what the engine relies on, a clock that does not wait."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from steersman.domain.call import Call, Direction, Grant, Outcome
from steersman.domain.environment import Principal
from steersman.domain.errors import (
    ApprovalNeededError,
    ConcurrencyError,
    DriftError,
    OutcomeUnknownError,
    SteersmanError,
    StoppedError,
)
from steersman.domain.event import ApprovalMoved, CallIntended, CallSettled
from steersman.domain.ids import OperationName, PrincipalId, ResourceId, RunId, StepId
from steersman.domain.plan import Plan
from steersman.domain.run import fold
from steersman.engines.local.progress import resolved_probe

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
ALICE = Principal(id=PrincipalId("alice"), kind="human", roles=frozenset({"operator"}))


@dataclass
class FakeClock:
    at: datetime = START
    busy: int = 0
    """Operations that are under way in a thread: real time goes by, ours does not."""
    _sleepers: list = field(default_factory=list)
    _order: count = field(default_factory=count)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        wake = loop.create_future()
        due = self.at + timedelta(seconds=seconds)
        self._sleepers.append((due, next(self._order), wake))
        try:
            await wake
        finally:
            self._sleepers = [s for s in self._sleepers if s[2] is not wake]

    def loop_soon(self, action) -> None:
        asyncio.get_running_loop().call_soon(action)

    async def drive(self, work):
        """Awaits work, and moves time whenever everything only sleeps."""
        task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
        while not task.done():
            await asyncio.sleep(0)
            if loop._ready or task.done():
                continue
            if self.busy or not self._sleepers:
                await asyncio.sleep(0.0005)
                continue
            due, _, wake = min(self._sleepers, key=lambda s: s[:2])
            self.at = max(self.at, due)
            if not wake.done():
                wake.set_result(None)
        return task.result()


class Killed(BaseException):
    """The process is dead: nothing catches it, nothing happens after it."""


class Life:
    """A process that dies at its n-th boundary: before or after a journal operation or an effect."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.dead = False

    def begin(self, die_at: int | None) -> None:
        self.left, self.dead = die_at, False

    def boundary(self) -> None:
        if self.left is not None:
            self.left -= 1
            self.dead = self.dead or self.left <= 0
        if self.dead:
            raise Killed


class PatientJournal:
    """A journal whose operations take real time, during which the fake clock stands still."""

    def __init__(self, inner, clock: FakeClock, life: Life) -> None:
        self._inner, self._clock, self._life = inner, clock, life

    def __getattr__(self, name):
        method = getattr(self._inner, name)

        async def call(*args, **kwargs):
            self._life.boundary()
            self._clock.busy += 1
            try:
                return await method(*args, **kwargs)
            finally:
                self._clock.busy -= 1
                self._life.boundary()

        return call


@dataclass
class SimGate:
    journal: PatientJournal
    clock: FakeClock
    toolset: object
    answer: SteersmanError | None = None
    seen: list[Call] = field(default_factory=list)

    def operation(self, name: OperationName):
        return self._binding(name).operation

    def _binding(self, name):
        return next(b for b in self.toolset.bindings() if b.operation.name == name)

    async def authorise(self, plan: Plan, run_id: RunId, requester: Principal) -> Grant:
        if isinstance(self.answer, ApprovalNeededError):
            await self.journal.append(
                run_id, ApprovalMoved(approval_id="ap-1", subject=plan.digest(), what="asked", by="alice")
            )
        if self.answer is not None:
            raise self.answer
        return Grant(run_id=run_id, plan_digest=plan.digest(), requester=requester, planner="file")

    async def _probe(self, operation, arguments):
        from steersman.domain.ports import CallContext

        probe = resolved_probe(operation, arguments)
        context = CallContext(key="", deadline=self.clock.now())
        return await self._binding(probe.operation).run(probe.arguments, context)

    async def call(self, call: Call) -> Outcome:
        from steersman.domain.ports import CallContext

        self.seen.append(call)
        binding = self._binding(call.operation)
        operation, now = binding.operation, self.clock.now()
        context = CallContext(key=call.key, deadline=now + timedelta(seconds=2))
        level = await self.journal.level()
        if level == "hard" or (level == "stop" and call.direction == "do" and operation.effect != "read"):
            raise StoppedError("the kill switch is on")
        if operation.effect == "read":
            return Outcome(output=await binding.run(call.arguments, context), started_at=now, finished_at=now)
        before = await self._probe(operation, call.arguments)
        run = fold(await self.journal.read(call.run_id))
        table = run.steps if call.direction == "do" else run.undo
        record = table.get(call.step_id)
        if record and record.open_intent:
            raise ConcurrencyError("unsettled")
        if call.expects is not None and call.expects != before:
            raise DriftError(f"{call.operation!r} found {before!r}, not {call.expects!r}")
        attempt = (record.attempts if record else 0) + 1
        intent = CallIntended(
            step_id=call.step_id,
            direction=call.direction,
            attempt=attempt,
            operation=call.operation,
            version=1,
            resource=ResourceId(operation.target(call.arguments)),
            arguments=call.arguments,
            key=call.key,
            before=before,
            expected=operation.expected(call.arguments, before),
            deadline=context.deadline,
        )
        earlier = await self.journal.intend(call.run_id, intent, None)
        assert earlier is None
        result, error, output = "done", "", {}
        try:
            output = await binding.run(call.arguments, context)
        except OutcomeUnknownError:
            settled = await self.settle(call.run_id, call.step_id, call.direction)
            if settled.result == "unknown":
                raise
            if settled.result == "not_happened":
                return await self.call(call)
            return Outcome(
                output=settled.output,
                before=before,
                after=settled.after,
                settled="probed",
                started_at=now,
                finished_at=now,
            )
        except SteersmanError as e:
            await self._settled(call, attempt, "failed", error=str(e), before=before)
            raise
        after = await self._probe(operation, call.arguments)
        await self._settled(call, attempt, result, error=error, output=output, before=before, after=after)
        return Outcome(output=output, before=before, after=after, started_at=now, finished_at=now)

    async def _settled(self, call, attempt, result, **more):
        await self.journal.append(
            call.run_id,
            CallSettled(
                step_id=call.step_id,
                direction=call.direction,
                attempt=attempt,
                operation=call.operation,
                result=result,
                **more,
            ),
        )

    async def settle(self, run_id: RunId, step_id: StepId, direction: Direction) -> CallSettled:
        run = fold(await self.journal.read(run_id))
        record = (run.steps if direction == "do" else run.undo)[step_id]
        intent = record.open_intent
        operation = self.operation(intent.operation)
        try:
            now = await self._probe(operation, intent.arguments)
            result = "done" if now == intent.expected else "not_happened" if now == intent.before else "unknown"
        except SteersmanError:
            now, result = None, "unknown"
        settled = CallSettled(
            step_id=step_id,
            direction=direction,
            attempt=intent.attempt,
            operation=intent.operation,
            result=result,
            before=intent.before,
            after=now,
            settled_by="probe",
        )
        await self.journal.append(run_id, settled)
        return settled
