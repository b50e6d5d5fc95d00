"""Rules of calls: operations, versions, arguments against JSON Schema, references between steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.expression import FromStep, from_steps
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Check, Problem
from steersman.planning.checks.view import View, problem
from steersman.planning.names import nearest
from steersman.planning.schema import faults, holes, inside, merged, narrows, pointer_path, validator

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call stands in the plan, and what its expressions may refer to."""

    path: Path
    step: int | None
    """None: outside of any step."""
    own_output: bool = False
    before: JsonObject | None = None
    """The schema of `$before`; None where it cannot stand."""


def arguments(view: View) -> Iterator[Problem]:
    """All problems of calls."""
    plan = view.plan
    for index, step in enumerate(plan.steps):
        operation = view.operations[index]
        if operation is None:
            yield _unknown(view, step.operation, ("steps", index, "operation"))
        else:
            if step.version != operation.version:
                yield problem(
                    "other_version",
                    *("steps", index, "version"),
                    reason=f"{step.operation!r} was planned as version {step.version}, and is {operation.version} here",
                    remedy="plan again",
                )
            place = Place(("steps", index, "arguments"), index)
            yield from fitting(view, operation, step.arguments, place)
        for kind, checks in (("preconditions", step.preconditions), ("postconditions", step.postconditions)):
            for at, check in enumerate(checks):
                own = kind == "postconditions"
                yield from _check(view, check, Place(("steps", index, kind, at, "call"), index, own_output=own))
    for at, check in enumerate(plan.invariants):
        yield from _check(view, check, Place(("invariants", at, "call"), None))


def fitting(view: View, operation: Operation, given: JsonObject, place: Place) -> Iterator[Problem]:
    """What is wrong with arguments for an operation."""
    for fault in faults(view.validators[operation.name], given):
        yield problem(
            "argument_type",
            *(*place.path, *fault.path),
            reason=f"{operation.name!r}: {fault.message}",
            remedy=f"give what the operation takes: see `steer tools show {operation.name}`",
        )
    for at, expression in holes(given):
        here = Place((*place.path, *at), place.step, own_output=place.own_output, before=place.before)
        yield from _expression(view, operation, inside(operation.input_schema, at), expression, place=here)


def callable_read(view: View, call: Invocation, path: Path) -> Iterator[Problem]:
    """What is wrong with an operation that may only look."""
    operation = view.world.catalogue.get(call.operation)
    if operation is None:
        yield _unknown(view, call.operation, (*path, "operation"))
    elif operation.effect != "read":
        yield problem(
            "not_a_read",
            *(*path, "operation"),
            reason=f"a check may only read, and {call.operation!r} is a {operation.effect}",
            remedy="check with a read operation",
        )


def _check(view: View, check: Check, place: Place) -> Iterator[Problem]:
    yield from callable_read(view, check.call, place.path)
    operation = view.world.catalogue.get(check.call.operation)
    if operation is not None:
        inner = Place((*place.path, "arguments"), place.step, own_output=place.own_output)
        yield from fitting(view, operation, check.call.arguments, inner)
        for at, claim in enumerate(check.expect):
            if inside(operation.output_schema, pointer_path(claim.path)) is None and claim.op != "absent":
                yield problem(
                    "unresolved_reference",
                    *(*place.path[:-1], "expect", at, "path"),
                    reason=f"{check.call.operation!r} answers nothing at {claim.path!r}",
                    remedy=_fields(operation.output_schema, claim.path),
                )


def _unknown(view: View, name: str, path: Path) -> Problem:
    return problem(
        "unknown_operation",
        *path,
        reason=f"{name!r} is no registered operation",
        remedy=nearest(name, view.world.catalogue),
    )


def _expression(
    view: View, operation: Operation, wanted: JsonObject | None, expression: JsonObject, *, place: Place
) -> Iterator[Problem]:
    ((key, body),) = expression.items()
    if key == "$from":
        yield from _from(view, operation, wanted, expression, place=place)
    elif key == "$before" and place.before is not None and isinstance(body, str):
        shown = inside(place.before, pointer_path(body))
        if shown is None:
            yield _nothing_there(place, f"the probe of this write shows nothing at {body!r}", place.before, body)
        elif wanted is not None and not narrows(shown, wanted):
            yield _wrong_type(place, operation, f"$before {body!r}", shown, wanted)
    else:
        yield problem(
            "unresolved_reference",
            *place.path,
            reason=f"{key} has no meaning here",
            remedy="refer to another step's output by $from, or give the value",
        )


def _from(
    view: View, operation: Operation, wanted: JsonObject | None, expression: JsonObject, *, place: Place
) -> Iterator[Problem]:
    try:
        (source,) = from_steps(expression)
    except InputError as e:
        yield problem("unresolved_reference", *place.path, reason=str(e), remedy="give step, path and bounds")
        return
    where = view.index.get(source.step)
    if where is None:
        yield problem(
            "unresolved_reference",
            *place.path,
            reason=f"refers to step {source.step!r}, which is no step of the plan",
            remedy=nearest(source.step, view.index),
        )
        return
    yield from _order(view, where, source, place)
    producer = view.operations[where]
    if producer is None:
        return
    shown = inside(producer.output_schema, pointer_path(source.path))
    if shown is None:
        reason = f"{producer.name!r} gives nothing at {source.path!r}"
        yield _nothing_there(place, reason, producer.output_schema, source.path)
    elif wanted is not None:
        yield from _bounds(operation, wanted, shown, source, place)


def _order(view: View, where: int, source: FromStep, place: Place) -> Iterator[Problem]:
    if place.step is None:
        yield problem(
            "forward_reference",
            *place.path,
            reason=f"outside of steps nothing can refer to the output of {source.step!r}",
            remedy="give the value",
        )
    elif where == place.step:
        if not place.own_output:
            yield problem(
                "self_reference",
                *place.path,
                reason=f"step {source.step!r} refers to its own output",
                remedy="refer to an earlier step, or give the value",
            )
    elif view.shape.precedes(place.step, where):
        yield problem(
            "forward_reference",
            *place.path,
            reason=f"step {view.named(place.step)} runs before {source.step!r}, whose output it refers to",
            remedy="turn the order of the two around",
        )
    elif not view.shape.precedes(where, place.step):
        yield problem(
            "missing_need",
            *place.path,
            reason=f"refers to the output of {source.step!r}, and nothing makes it wait for that step",
            remedy=f"add {source.step!r} to the needs of {view.named(place.step)}",
        )


def _bounds(
    operation: Operation, wanted: JsonObject, shown: JsonObject, source: FromStep, place: Place
) -> Iterator[Problem]:
    try:
        validator(source.bounds)
    except ValueError as e:
        first = str(e).partition("\n")[0]
        yield problem(
            "bad_bounds", *place.path, reason=f"the bounds are no JSON Schema: {first}", remedy="write a valid one"
        )
        return
    if operation.effect != "read" and not source.bounds:
        yield problem(
            "unbounded_reference",
            *place.path,
            reason=f"an approval of {operation.name!r} would cover whatever {source.step!r} gives",
            remedy="give bounds: a JSON Schema that the value must satisfy",
        )
    left = merged(shown, source.bounds)
    if left is None or not narrows(left, wanted):
        yield _wrong_type(place, operation, f"the output of {source.step!r} at {source.path!r}", left or shown, wanted)


def _wrong_type(place: Place, operation: Operation, what: str, shown: JsonObject, wanted: JsonObject) -> Problem:
    return problem(
        "argument_type",
        *place.path,
        reason=f"{operation.name!r} wants {_brief(wanted)}, and {what} is {_brief(shown)}",
        remedy="refer to a value of that type, or bound it to that type",
    )


def _nothing_there(place: Place, reason: str, schema: JsonObject, path: str) -> Problem:
    return problem("unresolved_reference", *place.path, reason=reason, remedy=_fields(schema, path))


def _fields(schema: JsonObject, path: str) -> str:
    properties = schema.get("properties")
    return nearest(path, [f"/{name}" for name in properties] if isinstance(properties, dict) else [])


def _brief(schema: JsonObject) -> str:
    kept: dict[str, JsonValue] = {key: schema[key] for key in ("type", "enum", "const") if key in schema}
    return str(kept) if kept else "anything"
