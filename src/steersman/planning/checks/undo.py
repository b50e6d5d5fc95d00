"""Rules of undo: every write's inverse is the declared one, is callable, and will find what it needs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from steersman.domain.errors import InputError
from steersman.domain.expression import Scope, resolve
from steersman.domain.ids import ResourceId
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Problem
from steersman.planning.checks.arguments import Place, fitting
from steersman.planning.checks.view import View, problem
from steersman.planning.simulation import concrete, target, used


def undo(view: View) -> Iterator[Problem]:
    """All problems of undo. A write whose operation declares no inverse is irreversible: policy decides on it."""
    for index, operation in enumerate(view.operations):
        if operation is not None:
            yield from _inverse(view, index, operation)
    yield from _missing_then(view)


def _inverse(view: View, index: int, operation: Operation) -> Iterator[Problem]:
    step = view.plan.steps[index]
    path = ("steps", index, "inverse")
    if operation.effect == "read" or operation.inverse is None:
        if step.inverse is not None:
            yield problem(
                "wrong_inverse",
                *path,
                reason=f"{operation.name!r} declares no inverse, and {step.id!r} names {step.inverse.operation!r}",
                remedy="remove it: what undoes an operation is declared with the operation",
            )
        return
    declared = concrete(operation.inverse, step.arguments)
    if step.inverse is None:
        yield problem(
            "missing_inverse",
            *path,
            reason=f"{step.id!r} changes the world and says nothing on how that is undone",
            remedy=f"copy the inverse of {operation.name!r}: {_text(declared)}",
        )
        return
    if declared is not None and step.inverse != declared:
        yield problem(
            "wrong_inverse",
            *path,
            reason=f"{step.id!r} would be undone by {_text(step.inverse)}, and {operation.name!r} declares another one",
            remedy=f"use the declared inverse: {_text(declared)}",
        )
    undoing = view.world.catalogue.get(step.inverse.operation)
    if undoing is None:
        yield problem(
            "unknown_operation",
            *(*path, "operation"),
            reason=f"{step.inverse.operation!r} is no registered operation",
            remedy=f"use the declared inverse: {_text(declared)}",
        )
        return
    probe = operation.probe and view.world.catalogue.get(operation.probe.operation)
    place = Place((*path, "arguments"), index, own_output=True, before=probe.output_schema if probe else {})
    yield from fitting(view, undoing, step.inverse.arguments, place)


def _missing_then(view: View) -> Iterator[Problem]:
    """An undo that finds gone what a step of the plan has deleted.

    Undo runs in reverse order. So a deletion is undone in time only when it comes after the step, and can be undone.
    """
    lives = _lives(view)
    for index in range(len(view.plan.steps)):
        for resource in _needed(view, index) & lives.keys() if lives else ():
            deleter = _missed(view, index, lives[resource])
            if deleter is not None:
                yield problem(
                    "undo_needs_deleted",
                    *("steps", index, "inverse"),
                    reason=f"to undo {view.named(index)}, {resource!r} must be there, "
                    f"and {view.named(deleter)} deletes it for good or for too long",
                    remedy=f"let {view.named(deleter)} wait for {view.named(index)} reversibly, or leave it out",
                )


@dataclass(slots=True)
class Life:
    """The steps that create or delete one resource, in order."""

    writers: list[int] = field(default_factory=list)
    deleted: bool = False
    for_good: int | None = None
    """The last step that deletes it irreversibly, and its place among the writers."""
    for_good_at: int = -1


def _lives(view: View) -> Mapping[ResourceId, Life]:
    """Of each resource that is deleted at all."""
    lives: dict[ResourceId, Life] = {}
    for index in view.shape.order:
        operation, resource = view.operations[index], view.targets[index]
        if operation is None or resource is None or operation.access not in ("create", "delete"):
            continue
        life = lives.setdefault(resource, Life())
        if operation.access == "delete":
            life.deleted = True
            if view.plan.steps[index].inverse is None:
                life.for_good, life.for_good_at = index, len(life.writers)
        life.writers.append(index)
    return {resource: life for resource, life in lives.items() if life.deleted}


def _missed(view: View, index: int, life: Life) -> int | None:
    """The deletion that an undo of the step would suffer from.

    Writers of one resource are in order (another rule sees to it), so those before the step come first.
    """
    lives = life.writers
    before = bisect_left(lives, 1, key=lambda writer: 0 if view.shape.precedes(writer, index) else 1)
    if before and _deletes(view, lives[before - 1]) and view.targets[index] != view.targets[lives[before - 1]]:
        return lives[before - 1]
    later = [writer for writer in lives[before : before + 2] if writer != index and _deletes(view, writer)]
    beside = next((writer for writer in later if not view.shape.precedes(index, writer)), None)
    if beside is not None:
        return beside
    return life.for_good if life.for_good_at >= before and life.for_good != index else None


def _deletes(view: View, index: int) -> bool:
    operation = view.operations[index]
    return operation is not None and operation.access == "delete"


def _needed(view: View, index: int) -> set[ResourceId]:
    """What the inverse of a step relies on; a create's own deletion needs nothing that could be gone."""
    step, before = view.plan.steps[index], view.befores[index]
    inverse = step.inverse and view.world.catalogue.get(step.inverse.operation)
    if step.inverse is None or not inverse:
        return set()
    arguments = step.inverse.arguments
    if before.state is not None:
        try:
            found = resolve(arguments, Scope(before=before.state, outputs={}))
        except InputError:
            found = arguments
        arguments = found if isinstance(found, dict) else arguments
    needed = set(used(inverse, arguments))
    own = target(inverse, arguments)
    return needed | ({own} if own is not None and inverse.access == "update" else set())


def _text(invocation: Invocation | None) -> str:
    return f"{invocation.operation} {invocation.arguments!r}" if invocation else "none can be formed from the arguments"
