"""Before a write: what is there now, whether that is what was planned on, and what must be there afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from steersman.domain.call import Call, Outcome
from steersman.domain.errors import DriftError
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject, canonical
from steersman.domain.ports import Clock
from steersman.gate.passage import Link, Passage


@dataclass(frozen=True, slots=True)
class Snapshotted:
    """Takes the state from before a write, by the operation's probe, through the gate itself."""

    caller: Callable[[Call], Awaitable[Outcome]]
    clock: Clock
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises DriftError when the state is not the one that the caller expects."""
        if passage.operation.effect == "read":
            return await self.inner(passage)
        before = await self.probe(passage)
        expects = passage.call.expects
        if expects is not None and before is not None and canonical(expects) != canonical(before):
            raise DriftError(
                f"{passage.resource!r} changed since the plan was made ({differences(expects, before)}): nothing done"
            )
        expected = passage.operation.expected(passage.call.arguments, before) if before is not None else None
        if passage.call.dry_run and not passage.operation.dry_run:
            now = self.clock.now()  # the tool cannot rehearse: the difference is computed, nothing is sent
            return Outcome(output={}, before=before, after=expected, started_at=now, finished_at=now)
        return await self.inner(replace(passage, before=before, expected=expected))

    async def probe(self, passage: Passage) -> JsonObject | None:
        """What the probe shows now; None when the operation has none."""
        call, probe = passage.call, passage.operation.probe
        if probe is None:
            return None
        arguments = resolve(probe.arguments, Scope(arguments=call.arguments))
        look = Call(
            operation=probe.operation,
            arguments=arguments if isinstance(arguments, dict) else {},
            environment=call.environment,
            principal=call.principal,
            route="engine",
            run_id=call.run_id,
            step_id=call.step_id,
            direction=call.direction,
            budget=call.budget,
        )
        return (await self.caller(look)).output


def differences(wanted: JsonObject | None, found: JsonObject | None) -> str:
    """How a state differs from the wanted one; empty when it does not, or when nobody can say."""
    if wanted is None or found is None:
        return ""
    wrong = [key for key in wanted if canonical(found.get(key)) != canonical(wanted[key])]
    extra = [key for key in found if key not in wanted]
    return ", ".join(
        [f"{key} is {found.get(key)!r}, not {wanted[key]!r}" for key in wrong] + [f"{key} is new" for key in extra]
    )
