"""What must be done before what, and who writes what: questions about a plan alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject, canonical
from steersman.domain.ids import OperationName, StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan, Step

ProbeKey = tuple[OperationName, bytes]
"""Identity of a probe with its arguments: states are compared only when they come from the same one."""


def probe_key(probe: Invocation) -> ProbeKey:
    """The identity of a resolved probe."""
    return probe.operation, canonical(probe.arguments)


def phases(plan: Plan) -> tuple[tuple[str, tuple[Step, ...]], ...]:
    """The phases that have steps, in order, with their steps. Raises InputError for a step of an unlisted phase."""
    found: dict[str, list[Step]] = {phase: [] for phase in plan.phases}
    for step in plan.steps:
        if step.phase not in found:
            raise InputError(f"step {step.id!r} is in phase {step.phase!r}, which the plan does not list: add it")
        found[step.phase].append(step)
    return tuple((phase, tuple(steps)) for phase, steps in found.items() if steps)


def within(steps: Iterable[Step], done: frozenset[StepId]) -> dict[StepId, tuple[StepId, ...]]:
    """The needs of one phase's steps among themselves, without what is done.

    Raises InputError for a need that is neither done nor of this phase.
    """
    todo = {step.id: step for step in steps if step.id not in done}
    for step in todo.values():
        lost = [need for need in step.needs if need not in todo and need not in done]
        if lost:
            raise InputError(f"step {step.id!r} needs {lost[0]!r}, which is no step of this or a former phase")
    return {name: tuple(need for need in step.needs if need in todo) for name, step in todo.items()}


def needs(plan: Plan) -> dict[StepId, tuple[StepId, ...]]:
    """What each step relies on.

    One that names nothing relies on all steps of the former phase: their order is all that its author said.
    """
    found: dict[StepId, tuple[StepId, ...]] = {}
    former: tuple[StepId, ...] = ()
    for _, steps in phases(plan):
        found.update({step.id: step.needs or former for step in steps})
        former = tuple(step.id for step in steps)
    return found


def topological(plan: Plan) -> tuple[StepId, ...]:
    """The steps, each behind all that it relies on. Raises InputError for a cycle or a need that is no step."""
    wants = needs(plan)
    lost = next((f"step {step!r} needs {need!r}" for step in wants for need in wants[step] if need not in wants), None)
    if lost is not None:
        raise InputError(f"{lost}, which the plan does not have; `steer plan -f` shows all that is wrong with it")
    try:
        return tuple(TopologicalSorter(wants).static_order())
    except CycleError as e:
        raise InputError(f"the steps wait for each other: {' -> '.join(e.args[1])!r}; remove one of these needs") from e


def reverse(wants: Mapping[StepId, Iterable[StepId]]) -> dict[StepId, tuple[StepId, ...]]:
    """The same DAG with every arrow turned around."""
    turned: dict[StepId, list[StepId]] = {step: [] for step in wants}
    for step, before in wants.items():
        for need in before:
            turned[need].append(step)
    return {step: tuple(after) for step, after in turned.items()}


def same_state(left: JsonObject | None, right: JsonObject | None) -> bool:
    """Whether two observations show the same; an unknown state equals nothing."""
    return left is not None and right is not None and canonical(left) == canonical(right)
