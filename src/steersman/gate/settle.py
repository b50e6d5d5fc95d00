"""What became of a call that nobody answered: found out by read-back, never by trying again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from steersman.domain.call import Call, Direction, Outcome
from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import InputError
from steersman.domain.event import CallIntended, CallSettled
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject, canonical
from steersman.domain.ids import RunId, StepId
from steersman.domain.ports import Clock
from steersman.gate.admission import Registry
from steersman.gate.history import Histories
from steersman.gate.redaction import Redactor
from steersman.journal.port import Journal

GRACE = timedelta(seconds=0.25)


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles open intents: after a lost answer, and after a crash."""

    registry: Registry
    journal: Journal
    histories: Histories
    redactor: Redactor
    clock: Clock
    caller: Callable[[Call], Awaitable[Outcome]]

    async def settle(
        self, run_id: RunId, step_id: StepId, direction: Direction, *, environment: Environment, principal: Principal
    ) -> CallSettled | None:
        """The settlement, journaled; `unknown` when only a person can say; None when there is nothing to settle."""
        history = await self.histories.of(run_id)
        record = history.record(step_id, direction)
        intent = record.open_intent
        if intent is None:
            return record.settled
        look = self._look(intent, environment, principal, run_id=run_id)
        result, now = ("unknown", None) if look is None else await self._judge(look, intent)
        if result == "not_happened":
            # A call that is still under way could land after we looked: wait until it cannot. A key does not help: it
            # drops a repetition, but whoever goes on by "not happened" may undo the rest, or find drift, instead.
            wait = (intent.deadline + GRACE - self.clock.now()).total_seconds()
            if wait > 0 and look is not None:
                await self.clock.sleep(wait)
                result, now = await self._judge(look, intent)
        settled = CallSettled.model_validate(
            {
                "step_id": step_id,
                "direction": direction,
                "attempt": intent.attempt,
                "operation": intent.operation,
                "result": result,
                "output": self._output(intent, now) if result == "done" else {},
                "before": intent.before,
                "after": now,
                "settled_by": "probe",
            }
        )
        await self.journal.append(run_id, settled)
        return settled

    async def _judge(self, look: Call, intent: CallIntended) -> tuple[str, JsonObject | None]:
        now = self.redactor.document((await self.caller(look)).output)
        if intent.expected is not None and canonical(now) == canonical(intent.expected):
            return "done", now
        if intent.before is not None and canonical(now) == canonical(intent.before):
            return "not_happened", now
        return "unknown", now

    def _look(
        self, intent: CallIntended, environment: Environment, principal: Principal, *, run_id: RunId
    ) -> Call | None:
        probe = self.registry.find(intent.operation).binding.operation.probe
        if probe is None:
            return None
        try:
            arguments = resolve(probe.arguments, Scope(arguments=intent.arguments))
        except InputError:
            return None
        return Call(
            operation=probe.operation,
            arguments=arguments if isinstance(arguments, dict) else {},
            environment=environment,
            principal=principal,
            route="engine",
            run_id=run_id,
            step_id=intent.step_id,
            direction=intent.direction,
        )

    def _output(self, intent: CallIntended, now: JsonObject | None) -> JsonObject:
        """The answer was lost: what read-back shows stands for it, as far as the operation's output has such fields."""
        schema = self.registry.find(intent.operation).binding.operation.output_schema
        fields = schema.get("properties")
        names = fields if isinstance(fields, dict) else {}
        known = {**intent.arguments, **(now or {})}
        return {name: known[name] for name in names if name in known}
