"""What a plan will do, write by write: created, changed, deleted, from what to what, and how it is undone."""

from __future__ import annotations

from typing import Literal

from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName, ResourceId, StepId
from steersman.domain.operation import BlastRadius, Invocation, Operation
from steersman.domain.plan import Plan, Step
from steersman.planning.checks.view import View, view
from steersman.planning.drift import Changed, changes
from steersman.planning.simulation import Before, expected
from steersman.planning.world import World


class FieldChange(Fact):
    """One field of a state, before and after."""

    path: str
    was: str
    now: str


class StepEffect(Fact):
    """What one write does."""

    step_id: StepId
    operation: OperationName
    resource: ResourceId | None
    """None: known only while it runs."""
    kind: Literal["created", "changed", "deleted", "unchanged"]
    before: JsonObject | None
    """What is there before the step: observed, or left by earlier steps; None: not known."""
    after: JsonObject | None
    """What will be there; None: the operation cannot say before it runs."""
    fields: tuple[FieldChange, ...] = ()
    undo: Invocation | None
    """None: cannot be undone, or is kept."""
    kept: str = ""
    """What an undo leaves, in words: always where there is no inverse, otherwise when the inverse came too late."""
    destructive: bool
    blast_radius: BlastRadius


def effects(plan: Plan, world: World) -> tuple[StepEffect, ...]:
    """The effects of all writes, in the order of the plan. Steps with unknown operations have none."""
    prepared = view(plan, world)
    return tuple(
        _effect(prepared, index, step, operation)
        for index, (step, operation) in enumerate(zip(plan.steps, prepared.operations, strict=True))
        if operation is not None and operation.effect != "read"
    )


def irreversible(plan: Plan, world: World) -> tuple[StepId, ...]:
    """The writes that cannot be undone: policy asks for more before it allows them."""
    return tuple(effect.step_id for effect in effects(plan, world) if effect.undo is None)


def _effect(prepared: View, index: int, step: Step, operation: Operation) -> StepEffect:
    before = prepared.befores[index]
    after = expected(operation, step.arguments, before.state) if before.state is not None else None
    changed = changes(before.state, after) if before.state is not None and after is not None else []
    return StepEffect(
        step_id=step.id,
        operation=operation.name,
        resource=prepared.targets[index],
        kind=_kind(operation, before, after),
        before=before.state,
        after=after,
        fields=tuple(_field(change) for change in changed),
        undo=step.inverse,
        kept=operation.residue,
        destructive=operation.effect == "destructive",
        blast_radius=operation.blast_radius,
    )


def _kind(
    operation: Operation, before: Before, after: JsonObject | None
) -> Literal["created", "changed", "deleted", "unchanged"]:
    if operation.access == "create":
        return "created"
    if operation.access == "delete":
        return "deleted"
    return "unchanged" if before.state is not None and before.state == after else "changed"


def _field(change: Changed) -> FieldChange:
    path, kind, was, now = change
    return FieldChange(
        path=path,
        was="" if kind == "appeared" else _text(was),
        now="" if kind == "vanished" else _text(now),
    )


def _text(value: object) -> str:
    match value:
        case {"$from": {"step": str(step), "path": str(path)}}:
            return f"output of {step} at {path}"
        case str():
            return value
        case _:
            return str(value)
