"""That a call is what the journaled plan says: the same step, the same arguments, the declared inverse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jsonschema_rs
from pydantic import JsonValue

from steersman.domain.call import Call
from steersman.domain.errors import ApprovalRefusedError, InputError
from steersman.domain.event import FINAL
from steersman.domain.expression import Scope, from_steps, pointer, resolve
from steersman.domain.fact import Digest, JsonObject, canonical
from steersman.domain.ids import OperationName
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan, Step
from steersman.gate.admission import identity
from steersman.gate.history import History
from steersman.gate.known import refuse_reference

Declared = Callable[[OperationName], Invocation | None]


class OutOfBoundsError(Exception):
    """A value that only a former step gave lies outside of what was approved; the step needs an approval of its own."""


def bound_plan(call: Call, history: History) -> tuple[Plan, Digest]:
    """The journaled plan that the call belongs to.

    Raises ApprovalRefusedError when the journal knows none, or another than the call's grant names.
    """
    plan, subject = history.plan, history.plan_digest
    if plan is None or subject is None or call.grant is None:
        raise ApprovalRefusedError(f"{call.operation!r} claims to be a step of a plan that the journal does not know")
    if call.grant.run_id != call.run_id or call.grant.plan_digest != subject:
        raise ApprovalRefusedError(f"the grant of {call.operation!r} is for another plan than the journal's {subject}")
    if identity(plan.environment) != identity(call.environment):
        raise ApprovalRefusedError(f"the plan is for {plan.environment}, the call for {call.environment}")
    return plan, subject


def must_be_going_on(call: Call, history: History) -> None:
    """Raises ApprovalRefusedError when the run is over or being undone: nothing goes forward in it any more."""
    if history.state in FINAL or history.state == "undoing":
        raise ApprovalRefusedError(f"run {call.run_id!r} is {history.state!r}: step {call.step_id!r} comes too late")


def must_be_the_step(call: Call, history: History, *, version: int) -> None:
    """Raises ApprovalRefusedError unless it is exactly the plan's step, OutOfBoundsError for an unbounded value.

    version: that of the registered operation, which is what would be called.
    """
    step = _step(call, history)
    if (step.operation, step.version) != (call.operation, version):
        raise ApprovalRefusedError(
            f"step {step.id!r} of the plan is {step.operation!r} in version {step.version}, not {call.operation!r} in "
            f"version {version}"
        )
    if canonical(_resolved(step, history)) != canonical(call.arguments):
        raise ApprovalRefusedError(f"the arguments of step {step.id!r} are not those that were approved")
    outside = next(_outside(step, history), None)
    if outside is not None:
        raise OutOfBoundsError(outside)


def must_be_the_inverse(call: Call, history: History, declared: Declared) -> None:
    """Raises ApprovalRefusedError unless the call is the inverse of a call of the plan that was made.

    declared: the inverse that a registered operation declares. What a plan calls its inverse is the word of whoever
    made it; undo passes freeze windows and the protected set and asks nobody, so that word alone is not enough.
    """
    step, record = _step(call, history), history.record(call.step_id, "do")
    intent, inverse = record.intent, declared(step.operation)
    happened = record.happened or record.open_intent
    if step.inverse is None or inverse is None or intent is None or not happened:
        raise ApprovalRefusedError(f"step {step.id!r} has nothing to undo: no inverse, or it did not happen")
    before = intent.before if intent.before is not None else {}
    scope = Scope(arguments=_resolved(step, history), before=before, outputs=history.outputs())
    for each in (inverse, step.inverse):
        try:
            arguments = resolve(each.arguments, scope)
        except InputError as e:
            raise ApprovalRefusedError(f"the inverse of step {step.id!r} cannot be told: {e}") from e
        if each.operation != call.operation or canonical(arguments) != canonical(call.arguments):
            raise ApprovalRefusedError(
                f"{call.operation!r} is not the inverse that {step.operation!r} and the plan declare for {step.id!r}"
            )


def _step(call: Call, history: History) -> Step:
    step = history.step(call.step_id)
    if step is None:
        raise ApprovalRefusedError(f"the journaled plan has no step {call.step_id!r}")
    return step


def _resolved(step: Step, history: History) -> JsonObject:
    try:
        return history.arguments(step)
    except InputError as e:
        raise ApprovalRefusedError(f"step {step.id!r} is not due: {e}") from e


def _outside(step: Step, history: History) -> Iterator[str]:
    outputs = history.outputs()
    for source in from_steps(step.arguments):
        value: JsonValue = pointer(outputs[source.step], source.path)
        if not source.bounds:
            yield f"step {step.id!r}: the value {value!r} out of {source.step!r} was approved without bounds"
        elif not jsonschema_rs.validator_for(source.bounds, retriever=refuse_reference).is_valid(value):
            yield f"step {step.id!r}: the value {value!r} out of {source.step!r} lies outside of what was approved"
