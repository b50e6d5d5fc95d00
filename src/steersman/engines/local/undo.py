"""Undo: inverses in reverse order of the DAG, each decided and verified by read-back.

What others have changed since is never overwritten; a branch whose inverse fails stops, the others go on; what then
still stands is said exactly. Begun again after a crash it goes on from what the journal and the probes show.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from steersman.domain.call import Call, Grant
from steersman.domain.errors import ConcurrencyError, IntegrityError, OutcomeUnknownError, SteersmanError, StoppedError
from steersman.domain.event import StepMoved, StepState
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.domain.ids import StepId
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Retry, Step
from steersman.domain.run import Run, StepRecord
from steersman.engines.local.control import Halt
from steersman.engines.local.order import needs, reverse, same_state
from steersman.engines.local.progress import before, left_by, resolved_probe
from steersman.engines.local.reads import Reader
from steersman.engines.local.scheduler import run_dag
from steersman.engines.local.session import Session
from steersman.engines.local.steps import settle


@dataclass(frozen=True, slots=True)
class Undone:
    """How the undo of one step ended."""

    state: StepState
    reason: str
    stands: bool = False
    """Whether the step's effect is still there."""
    blocks: bool = False
    """Whether what the step relies on must stay as well."""


@dataclass(slots=True)
class Undo:
    """The undo of one run."""

    session: Session
    run: Run
    stands: dict[StepId, str] = field(default_factory=dict)
    """What could not be taken back, and why."""
    visited: set[StepId] = field(default_factory=set)

    async def __call__(self) -> None:
        """Takes back what can be taken back; afterwards `stands` says the rest.

        Check `session.control.halt` first: when it is set the undo was parked and goes on later.
        """
        await run_dag(reverse(needs(self.run.plan)), self._undo, self.session.control.halted)
        if not self.session.control.halted():
            await self._keep_blocked()

    async def _undo(self, step_id: StepId) -> bool:
        self.visited.add(step_id)
        record = self.run.steps[step_id]
        finished = self.run.undo.get(step_id)
        if not (record.happened or record.open_intent) or (finished is not None and finished.state == "done"):
            return True
        try:
            undone = await self._take_back(self.session.progress.steps[step_id], record)
        except StoppedError as e:
            self.session.control.stop(Halt("pause", f"undo of step {step_id!r}: {e}"))
            return False
        if undone is None:
            return True
        if undone.stands:
            self.stands[step_id] = undone.reason
        await self._note(step_id, undone.state, undone.reason)
        return not undone.blocks

    async def _take_back(self, step: Step, record: StepRecord) -> Undone | None:
        operation = self.session.progress.operation(step.operation)
        if operation.effect == "read":
            return None
        if record.open_intent is not None:
            settled = await settle(self.session, step.id, "do")
            if settled is None:
                return _stopped("failed", "nobody can say whether it happened")
            if settled.result != "done":
                return None
            record = record.model_copy(update={"settled": settled})
        if step.inverse is None and operation.residue:
            return Undone("skipped", f"kept: {operation.residue}")
        if step.inverse is None:
            destroyed = operation.effect == "destructive"
            return Undone("skipped", "it has no inverse", stands=True, blocks=destroyed)
        return await Inverse(self.session, self.run, step, operation, record).take_back()

    async def _keep_blocked(self) -> None:
        for step in self.run.plan.steps:
            record = self.run.steps[step.id]
            operation = self.session.progress.operation(step.operation)
            kept = step.inverse is None and operation.residue
            if (
                step.id not in self.visited
                and operation.effect != "read"
                and not kept
                and (record.happened or record.open_intent)
            ):
                self.stands[step.id] = "kept, because what relies on it could not be taken back"
                await self._note(step.id, "skipped", self.stands[step.id])

    async def _note(self, step_id: StepId, state: StepState, reason: str) -> None:
        await self.session.append(StepMoved(step_id=step_id, direction="undo", state=state, reason=reason))


@dataclass(frozen=True, slots=True)
class Inverse:
    """Takes one step's effect back: looks, acts only on what the step itself left, looks again."""

    session: Session
    run: Run
    step: Step
    operation: Operation
    record: StepRecord

    async def take_back(self) -> Undone:
        """Tries a bounded number of times; every try begins with a read-back."""
        settings, clock = self.session.deps.settings, self.session.deps.clock
        reason = "it was not tried"
        for number in range(settings.inverse_rounds):
            if number:
                await clock.sleep(settings.inverse_backoff_s * 2 ** (number - 1))
            try:
                undone = await self._round(tried=number > 0)
            except (ConcurrencyError, IntegrityError, StoppedError):
                raise
            except SteersmanError as e:
                reason = f"its inverse failed: {e}"
                if isinstance(e, OutcomeUnknownError):
                    await settle(self.session, self.step.id, "undo")
                continue
            if undone is not None:
                return undone
            reason = "read-back does not show the state from before"
        return _stopped("failed", reason)

    async def _round(self, *, tried: bool) -> Undone | None:
        found, left, now = before(self.record), left_by(self.record), await self._look()
        if now is None:
            await self._send(None)
            return _stopped("failed", "its inverse answered, but there is no probe to verify it by")
        if same_state(now, found):
            if not await self._shows_its_promise():
                return _stopped("conflict", "somebody else has changed it since, and not back; it was not overwritten")
            return Undone("done", "" if tried else "it was as before already")
        if not same_state(now, left):
            earlier = self.run.undo.get(self.step.id)
            if tried or (earlier is not None and earlier.intent is not None):
                return None
            return _stopped("conflict", "somebody else has changed it since; it was not overwritten")
        await self._settle_earlier()
        after = await self._send(now)
        if same_state(after, found):
            return Undone("done", "")
        came_too_late = self.operation.residue and same_state(after, left)
        return Undone("done", f"kept, the inverse came too late: {self.operation.residue}") if came_too_late else None

    async def _shows_its_promise(self) -> bool:
        """Whether what the inverse would leave is there, where it looks at something else than the step did.

        A new password that is good no more is either the former one again, or a third one.
        """
        inverse = self._inverse()
        verb = self.session.progress.operation(inverse.operation)
        own, other = resolved_probe(self.operation, self._arguments()), resolved_probe(verb, inverse.arguments)
        if own is None or other is None or own == other or own.operation != other.operation:
            return True
        now = await self._read(other)
        expected = verb.expected(inverse.arguments, now)
        return expected is None or same_state(now, expected)

    async def _look(self) -> JsonObject | None:
        probe = resolved_probe(self.operation, self._arguments())
        return None if probe is None else await self._read(probe)

    async def _read(self, probe: Invocation) -> JsonObject:
        reader = Reader(self.session.deps, self.run, self.session.grant)
        return await reader.read(probe, about=f"{self.step.id}:undo", undo=True)

    async def _settle_earlier(self) -> None:
        earlier = self.run.undo.get(self.step.id)
        if earlier is not None and earlier.open_intent is not None:
            await settle(self.session, self.step.id, "undo")

    async def _send(self, now: JsonObject | None) -> JsonObject | None:
        inverse = self._inverse()
        verb = self.session.progress.operation(inverse.operation)
        same_probe = resolved_probe(verb, inverse.arguments) == resolved_probe(self.operation, self._arguments())
        self.session.lease.hold()
        outcome = await self.session.deps.caller.call(
            Call(
                operation=inverse.operation,
                arguments=inverse.arguments,
                environment=self.run.plan.environment,
                principal=self.run.requester,
                route="undo",
                run_id=self.run.run_id,
                step_id=self.step.id,
                direction="undo",
                grant=self.session.grant,
                expects=now if same_probe else None,
                restores=before(self.record) if same_probe else None,
                timeout_s=verb.timeout_s,
                retry=Retry(attempts=self.session.deps.settings.inverse_rounds),
                budget=self.run.plan.budget,
            )
        )
        return outcome.after if same_probe and outcome.after is not None else await self._look()

    def _arguments(self) -> JsonObject:
        return self.session.progress.arguments(self.step)

    def _inverse(self) -> Invocation:
        assert self.step.inverse is not None
        scope = Scope(arguments=self._arguments(), before=before(self.record), outputs=self.session.progress.outputs)
        arguments = resolve(self.step.inverse.arguments, scope)
        assert isinstance(arguments, dict)
        return self.step.inverse.model_copy(update={"arguments": arguments})


def undo_grant(run: Run) -> Grant:
    """The authority of the plan's own approval, as its writes used it.

    It needs no new decision: freezes and expiry do not stop an undo.
    """
    used = (record.intent.approval_id for record in run.steps.values() if record.intent is not None)
    return Grant(
        run_id=run.run_id,
        plan_digest=run.plan.digest(),
        approval_id=next((approval for approval in used if approval is not None), None),
        requester=run.requester,
        planner=run.plan.provenance.planner,
    )


def _stopped(state: StepState, reason: str) -> Undone:
    return Undone(state, reason, stands=True, blocks=True)
