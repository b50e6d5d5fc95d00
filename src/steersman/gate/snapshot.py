"""Before a write: what is there now, whether that is what was planned on, and what must be there afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from steersman.domain.call import Call, Outcome
from steersman.domain.errors import DriftError
from steersman.domain.event import Event
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject, canonical
from steersman.domain.ports import Clock
from steersman.gate.history import History
from steersman.gate.passage import Link, Passage
from steersman.gate.redaction import Redactor

Look = Callable[[Call, list[Event], History | None], Awaitable[Outcome]]
"""A read on behalf of a call that was let through already."""


class EffectFoundError(Exception):
    """The attempt before, of which we were told that it had no effect, has had it: nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Snapshotted:
    """Takes the state from before a write, by the operation's probe, through the gate itself."""

    look: Look
    redactor: Redactor
    clock: Clock
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises DriftError when the state is not the one that the caller expects, or that an earlier attempt saw."""
        if passage.operation.effect == "read":
            return await self.inner(passage)
        before = await probed(self.look, passage)
        self._refuse_drift(passage, before)
        expected = passage.operation.expected(passage.call.arguments, before) if before is not None else None
        if passage.call.dry_run and not passage.operation.dry_run:
            now = self.clock.now()  # the tool cannot rehearse: the difference is computed, nothing is sent
            return Outcome(output={}, before=before, after=expected, started_at=now, finished_at=now)
        outcome = await self.inner(replace(passage, before=before, expected=expected))
        if passage.call.dry_run:
            return outcome.model_copy(update={"before": before, "after": expected})
        return outcome

    def _refuse_drift(self, passage: Passage, before: JsonObject | None) -> None:
        expects = passage.call.expects
        if expects is not None and before is None:
            raise DriftError(f"{passage.operation.name!r} has no probe to see whether {passage.resource!r} has changed")
        if before is None:
            return
        if passage.earlier is not None:
            self._compare_and_set(passage, before)
        # What was planned on has left the gate once, without its secrets.
        if expects is not None and not same(self.redactor.document(expects), self.redactor.document(before)):
            raise self._drift(passage, expects, before)

    def _compare_and_set(self, passage: Passage, before: JsonObject) -> None:
        """Again only on what the attempt before has seen: what became of it, and of the world, is not known otherwise.

        A keyed call may go on in a world that others have changed: the tool drops it when it was done.
        """
        earlier, shown = passage.earlier, self.redactor.document(before)
        if earlier is None or earlier.before is None or same(shown, earlier.before):
            return
        if earlier.expected is not None and same(shown, earlier.expected):
            raise EffectFoundError
        if passage.operation.idempotent != "keyed":
            raise self._drift(passage, earlier.before, shown)

    def _drift(self, passage: Passage, wanted: JsonObject, found: JsonObject) -> DriftError:
        return DriftError(
            f"{passage.resource!r} changed since it was looked at ({differences(wanted, found)}): nothing done"
        )


async def probed(look: Look, passage: Passage) -> JsonObject | None:
    """What the operation's probe shows now; None when it has none."""
    call, probe = passage.call, passage.operation.probe
    if probe is None:
        return None
    arguments = resolve(probe.arguments, Scope(arguments=call.arguments))
    question = Call(
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
    return (await look(question, passage.notes, passage.history)).output


def same(one: JsonObject, other: JsonObject) -> bool:
    """Whether two states are the same JSON."""
    return canonical(one) == canonical(other)


def differences(wanted: JsonObject | None, found: JsonObject | None) -> str:
    """How a state differs from the wanted one; empty when it does not, or when nobody can say."""
    if wanted is None or found is None:
        return ""
    wrong = [key for key in wanted if canonical(found.get(key)) != canonical(wanted[key])]
    extra = [key for key in found if key not in wanted]
    return ", ".join(
        [f"{key} is {found.get(key)!r}, not {wanted[key]!r}" for key in wrong] + [f"{key} is new" for key in extra]
    )
