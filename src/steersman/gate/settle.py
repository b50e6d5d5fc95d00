"""What became of a call that nobody answered: found out by read-back, never by trying again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from steersman.domain.call import Call, Direction, Outcome
from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import GuardrailError, InputError, ToolError, UnavailableError
from steersman.domain.event import CallIntended, CallSettled
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.domain.ids import RunId, StepId
from steersman.domain.ports import Clock
from steersman.gate.admission import Registry
from steersman.gate.history import Histories
from steersman.gate.redaction import Redactor
from steersman.gate.snapshot import same
from steersman.journal.port import Journal

GRACE = timedelta(seconds=0.25)
"""What is under way at its deadline may take so long to land."""

LOOK_AGAIN_S = 0.25
LOOK_AGAIN_AT_MOST_S = 5.0

Ask = Callable[[Call], Awaitable[Outcome]]
Result = Literal["done", "not_happened", "unknown"]


@dataclass(frozen=True, slots=True)
class Looking:
    """Where, for whom, and by which way it is looked."""

    environment: Environment
    principal: Principal
    ask: Ask


@dataclass(frozen=True, slots=True)
class Case:
    """An open intent that is looked at."""

    run_id: RunId
    intent: CallIntended
    look: Looking


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look showed; `error` says why nobody could look."""

    result: Result
    now: JsonObject | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles open intents: after a lost answer, and after a crash."""

    registry: Registry
    journal: Journal
    histories: Histories
    redactor: Redactor
    clock: Clock

    async def settle(
        self, run_id: RunId, step_id: StepId, direction: Direction, *, look: Looking
    ) -> CallSettled | None:
        """The settlement, journaled; `unknown` when only a person can say; None when there was never an intent."""
        record = (await self.histories.of(run_id)).record(step_id, direction)
        intent = record.open_intent
        if intent is None:
            return record.settled
        found = await self._look(Case(run_id, intent, look))
        known = record.settled
        if found.result == "unknown" and known is not None and known.attempt == intent.attempt:
            return known  # it is written down already that nobody knows
        return await self.write(run_id, intent, found)

    async def found(self, run_id: RunId, step_id: StepId, direction: Direction) -> CallSettled | None:
        """Writes down that the last attempt has happened after all, as a look has just shown."""
        intent = (await self.histories.of(run_id)).record(step_id, direction).intent
        return None if intent is None else await self.write(run_id, intent, Finding("done", intent.expected))

    async def write(self, run_id: RunId, intent: CallIntended, found: Finding) -> CallSettled:
        """The settlement of an intent by what was found."""
        settled = CallSettled(
            step_id=intent.step_id,
            direction=intent.direction,
            attempt=intent.attempt,
            operation=intent.operation,
            result=found.result,
            output=self._output(intent, found.now) if found.result == "done" else {},
            before=intent.before,
            after=found.now,
            error=found.error,
            settled_by="probe",
        )
        await self.journal.append(run_id, settled)
        return settled

    async def _look(self, case: Case) -> Finding:
        """Looks until it has happened, or until it cannot be under way any more.

        A call that is still under way could land after we looked. A key does not help: it drops a repetition, but
        whoever goes on by "not happened" may undo the rest, or find drift, instead.
        """
        question = self._question(case)
        if question is None:
            return Finding("unknown", error=f"{case.intent.operation!r} has no probe that could tell")
        until, wait_s = case.intent.deadline + GRACE, LOOK_AGAIN_S
        while True:
            left_s = (until - self.clock.now()).total_seconds()
            found = await self._judge(question, case)
            if found.result == "done" or left_s <= 0:
                return found
            await self.clock.sleep(min(wait_s, left_s))
            wait_s = min(LOOK_AGAIN_AT_MOST_S, wait_s * 2)

    async def _judge(self, question: Call, case: Case) -> Finding:
        try:
            now = self.redactor.document((await case.look.ask(question)).output)
        except (UnavailableError, ToolError, GuardrailError, InputError) as e:
            return Finding("unknown", error=self.redactor.text(str(e)))
        # Where both are the same, nothing was to change: that is done.
        if case.intent.expected is not None and same(now, case.intent.expected):
            return Finding("done", now)
        if case.intent.before is not None and same(now, case.intent.before):
            return Finding("not_happened", now)
        return Finding("unknown", now, "read-back shows neither the state from before nor the one that was to be")

    def _question(self, case: Case) -> Call | None:
        intent = case.intent
        known = self.registry.known.get(intent.operation)
        probe = known.binding.operation.probe if known else None
        if probe is None:
            return None
        try:
            arguments = resolve(probe.arguments, Scope(arguments=intent.arguments))
        except InputError:
            return None
        return Call(
            operation=probe.operation,
            arguments=arguments if isinstance(arguments, dict) else {},
            environment=case.look.environment,
            principal=case.look.principal,
            route="engine",
            run_id=case.run_id,
            step_id=intent.step_id,
            direction=intent.direction,
        )

    def _output(self, intent: CallIntended, now: JsonObject | None) -> JsonObject:
        """The answer was lost: what read-back shows stands for it, as far as the operation's output has such fields."""
        registered = self.registry.known.get(intent.operation)
        fields = registered.binding.operation.output_schema.get("properties") if registered else None
        names = fields if isinstance(fields, dict) else {}
        known = {**intent.arguments, **(now or {})}
        return {name: known[name] for name in names if name in known}
