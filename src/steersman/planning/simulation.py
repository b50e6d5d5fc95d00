"""States that will be: what each probe shows before and after each step, as far as operations say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from steersman.domain.errors import InputError
from steersman.domain.expression import pointer, substitute
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName, ResourceId
from steersman.domain.operation import Invocation, Operation, resource_id
from steersman.domain.plan import Step
from steersman.planning.graph import Graph
from steersman.planning.world import probe_key


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a write's target just before the write."""

    probe: Invocation | None
    state: JsonObject | None
    """None: nobody observed it, or a former step leaves it in a state that its operation does not tell."""
    simulated: bool
    """Whether a former step of the plan determines it, not an observation."""


def concrete(invocation: Invocation, arguments: JsonObject) -> Invocation | None:
    """An operation's probe or inverse with `$arg` filled in; None when the arguments do not carry it."""
    try:
        filled = substitute(invocation.arguments, arguments)
    except InputError:
        return None
    return Invocation(operation=invocation.operation, arguments=filled) if isinstance(filled, dict) else None


def target(operation: Operation, arguments: JsonObject) -> ResourceId | None:
    """The resource that a call touches; None when it has none, or an argument of it is not known yet."""
    return _resource(operation.resource, arguments)


def used(operation: Operation, arguments: JsonObject) -> tuple[ResourceId, ...]:
    """The resources beside its target that a call needs to be there, as far as known."""
    found = (_resource(template, arguments) for template in operation.uses)
    return tuple(resource for resource in found if resource is not None)


def _resource(template: str, arguments: JsonObject) -> ResourceId | None:
    try:
        return resource_id(template, arguments) if template else None
    except KeyError:
        return None


def expected(operation: Operation, arguments: JsonObject, before: JsonObject) -> JsonObject | None:
    """The state after a call; None when the operation cannot say."""
    try:
        return operation.expected(arguments, before)
    except InputError:
        return None


def befores(
    steps: Sequence[Step],
    shape: Graph,
    catalogue: Mapping[OperationName, Operation],
    observed: Mapping[str, JsonObject],
) -> tuple[tuple[Before, ...], Mapping[str, list[tuple[int, JsonObject | None]]]]:
    """For each step what is known before it; and for each probe the writes on it, in order, with what they leave."""
    writes: dict[str, list[tuple[int, JsonObject | None]]] = {}
    found = [Before(None, None, simulated=False)] * len(steps)
    for index in shape.order:
        step = steps[index]
        operation = catalogue.get(step.operation)
        if operation is None or operation.effect == "read" or operation.probe is None:
            continue
        probe = concrete(operation.probe, step.arguments)
        if probe is None:
            continue
        key = probe_key(probe)
        state, simulated = state_at(index, key, shape=shape, writes=writes, observed=observed)
        found[index] = Before(probe, state, simulated)
        left = expected(operation, step.arguments, state) if state is not None else None
        writes.setdefault(key, []).append((index, left))
    return tuple(found), writes


def state_at(
    index: int,
    key: str,
    *,
    shape: Graph,
    writes: Mapping[str, Sequence[tuple[int, JsonObject | None]]],
    observed: Mapping[str, JsonObject],
) -> tuple[JsonObject | None, bool]:
    """What a probe will show just before a step starts, and whether that follows from a former step."""
    for writer, left in reversed(writes.get(key, ())):
        if shape.precedes(writer, index):
            return left, True
    return observed.get(key), False


def is_known(path: str, document: JsonObject) -> bool:
    """Whether the value at a path is known, and not an expression that only a later run resolves."""
    try:
        value = pointer(dict(document), path)
    except InputError:
        return not _symbolic_on_the_way(path, document)
    return not (isinstance(value, dict) and "$from" in value)


def _symbolic_on_the_way(path: str, document: JsonObject) -> bool:
    parts = path.split("/")
    for cut in range(1, len(parts)):
        try:
            value = pointer(dict(document), "/".join(parts[:cut]))
        except InputError:
            return False
        if isinstance(value, dict) and "$from" in value:
            return True
    return False
