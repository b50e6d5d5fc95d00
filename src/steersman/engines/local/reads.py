"""The engine's own reads, all through the gate: probes, checks, drift, invariants."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from steersman.domain.call import Call, Grant
from steersman.domain.errors import DriftError, GuardrailError, SteersmanError
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.domain.ids import StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Check, Observation, Plan, Retry
from steersman.domain.run import Run
from steersman.engines.local.order import same_state
from steersman.engines.local.ports import Deps

AGAIN = Retry(attempts=3)
"""A look that fails for a moment must not refuse a plan, fail a step, or stop an undo."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one run."""

    deps: Deps
    run: Run
    grant: Grant | None = None

    async def read(self, what: Invocation, *, about: str, undo: bool = False) -> JsonObject:
        """The answer of a read operation. `about` names the reader in the journal."""
        call = Call(
            operation=what.operation,
            arguments=what.arguments,
            environment=self.run.plan.environment,
            principal=self.run.requester,
            route="engine",
            run_id=self.run.run_id,
            step_id=StepId(about),
            direction="undo" if undo else "do",
            grant=self.grant,
            retry=AGAIN,
            budget=self.run.plan.budget,
        )
        return (await self.deps.caller.call(call)).output

    async def check(self, check: Check, *, about: str, scope: Scope | None = None, undo: bool = False) -> str | None:
        """Why the check does not hold; None when it does."""
        arguments = resolve(check.call.arguments, scope) if scope else check.call.arguments
        assert isinstance(arguments, dict)
        answer = await self.read(check.call.model_copy(update={"arguments": arguments}), about=about, undo=undo)
        wrong = [str(claim) for claim in check.expect if not claim.holds(answer)]
        why = f" ({check.why})" if check.why else ""
        return f"{check.call.operation!r} does not show {wrong[0]}{why}" if wrong else None

    async def broken_invariant(self, when: str, *, undo: bool = False) -> str | None:
        """The first invariant of the plan that does not hold, or that nobody can look at; None when all do."""
        for number, invariant in enumerate(self.run.plan.invariants):
            try:
                broken = await self.check(invariant, about=f"invariant:{number}", undo=undo)
            except GuardrailError:
                raise
            except SteersmanError as e:
                broken = f"{invariant.call.operation!r} could not be asked: {e}"
            if broken:
                return f"invariant {when}: {broken}"
        return None

    async def refuse_drift(self) -> None:
        """Raises DriftError when anything that the plan changes or relies on is not as it was when it was planned."""
        limit = asyncio.Semaphore(self.deps.settings.probes_at_once)

        async def differs(seen: Observation) -> bool:
            async with limit:
                now = await self.read(seen.probe, about=f"drift:{seen.resource}")
            return not same_state(now, seen.state)

        plan: Plan = self.run.plan
        found = await asyncio.gather(*(differs(seen) for seen in plan.observations))
        moved = [seen.resource for seen, differs_now in zip(plan.observations, found, strict=True) if differs_now]
        if moved:
            raise DriftError(f"{', '.join(map(repr, moved))} changed since the plan was made: plan again")
