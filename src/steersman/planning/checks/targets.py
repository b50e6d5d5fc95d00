"""Rules of what is touched: environment, protected and unseen targets, preconditions, conflicting writers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from steersman.domain.fact import JsonObject
from steersman.domain.ids import ResourceId
from steersman.domain.operation import Operation
from steersman.domain.plan import Check, Problem
from steersman.planning.checks.view import View, problem
from steersman.planning.simulation import is_known, state_at, target, used
from steersman.planning.world import probe_key


def targets(view: View) -> Iterator[Problem]:
    """All problems of what is touched."""
    yield from _environment(view)
    for index, operation in enumerate(view.operations):
        if operation is not None and operation.effect != "read":
            yield from _target(view, index, operation)
    yield from _preconditions(view)
    yield from _conflicts(view)


def _environment(view: View) -> Iterator[Problem]:
    planned, here = view.plan.environment, view.world.environment
    if planned != here:
        yield problem(
            "wrong_environment",
            "environment",
            reason=f"the plan was made for {planned}, and this is {here}",
            remedy="go to the environment it was made for, or plan again",
        )
    for index, operation in enumerate(view.operations):
        kind = view.world.kinds.get(operation.toolset) if operation else None
        if operation is not None and kind is not None and kind != planned.kind:
            yield problem(
                "wrong_environment",
                *("steps", index, "operation"),
                reason=f"{operation.name!r} acts on an environment of kind {kind!r}, and the plan is for {planned}",
                remedy=f"use operations of {planned.kind!r}",
            )


def _target(view: View, index: int, operation: Operation) -> Iterator[Problem]:
    here, step = view.targets[index], view.plan.steps[index]
    path = ("steps", index, "arguments")
    if here is None:
        if operation.resource:
            yield problem(
                "unknown_target",
                *path,
                reason=f"what {step.id!r} changes ({operation.resource!r}) is known only while it runs",
                remedy="give these arguments as values, so that the target can be read and approved",
            )
        return
    made = operation.access == "create" and view.world.admits_new(here)
    touched = [] if made else [("changes", here)]
    inverse = view.world.catalogue.get(step.inverse.operation) if step.inverse else None
    if step.inverse is not None and inverse is not None:
        undone = target(inverse, step.inverse.arguments)
        touched += [("would change in its undo", undone)] if undone not in (None, here) else []
    for how, resource in touched:
        if resource is not None and view.world.protected(resource):
            yield problem(
                "forbidden_target",
                *path,
                reason=f"{step.id!r} {how} {resource!r}, which is protected",
                remedy="leave it alone: of what is protected nothing is changed or deleted, and only backups are added",
            )
    yield from _presence(view, index, operation, here)


def _presence(view: View, index: int, operation: Operation, resource: ResourceId) -> Iterator[Problem]:
    before, step = view.befores[index], view.plan.steps[index]
    path = ("steps", index, "arguments")
    if operation.probe is None:
        return  # nobody can look at it; policy asks for more
    if before.state is None:
        if not before.simulated:
            wants = "absence" if operation.access == "create" else "presence"
            yield problem(
                "never_observed",
                *path,
                reason=f"nobody looked at {resource!r} before planning to {operation.access} it",
                remedy=f"observe its {wants} with {operation.probe.operation!r}, and plan again",
            )
        return
    exists = before.state.get("exists") is not False
    since = "after the steps before it" if before.simulated else "when the plan was made"
    if operation.access == "create" and exists:
        yield problem(
            "already_there",
            *path,
            reason=f"{step.id!r} creates {resource!r}, which is there {since}",
            remedy="update it, delete it first, or choose another name",
        )
    if operation.access in ("update", "delete") and not exists:
        yield problem(
            "not_there",
            *path,
            reason=f"{step.id!r} would {operation.access} {resource!r}, which is not there {since}",
            remedy="create it first, or mend its name",
        )


def _preconditions(view: View) -> Iterator[Problem]:
    for index, step in enumerate(view.plan.steps):
        for at, check in enumerate(step.preconditions):
            key = probe_key(check.call)
            state, simulated = state_at(index, key, shape=view.shape, writes=view.writes, observed=view.states)
            since = "after the steps before it" if simulated else "now"
            if state is not None:
                yield from _false(check, state, since, ("steps", index, "preconditions", at))
    for at, check in enumerate(view.plan.invariants):
        seen = view.states.get(probe_key(check.call))
        if seen is not None:
            yield from _false(check, seen, "now", ("invariants", at))


def _false(check: Check, state: JsonObject, since: str, path: tuple[str | int, ...]) -> Iterator[Problem]:
    for at, claim in enumerate(check.expect):
        if is_known(claim.path, state) and not claim.holds(state):
            yield problem(
                "precondition_false",
                *(*path, "expect", at),
                reason=f"{claim} is not so {since}: {check.call.operation!r} shows {state!r}",
                remedy=check.why or "make it true first, or plan again",
            )


def _conflicts(view: View) -> Iterator[Problem]:
    place = {node: rank for rank, node in enumerate(view.shape.order)}
    writers: dict[ResourceId, list[int]] = {}
    users: dict[ResourceId, list[int]] = {}
    for index in view.shape.order:
        operation, resource = view.operations[index], view.targets[index]
        if operation is None:
            continue
        if operation.effect != "read" and resource is not None:
            writers.setdefault(resource, []).append(index)
        for needed in used(operation, view.plan.steps[index].arguments):
            users.setdefault(needed, []).append(index)
    for resource, of in writers.items():
        for one, other in pairwise(of):
            if not view.shape.ordered(one, other):
                yield _conflict(view, resource, *sorted((one, other), key=place.__getitem__))
        yield from _pulled_away(view, resource, of, users.get(resource, []))


def _pulled_away(view: View, resource: ResourceId, writers: list[int], users: list[int]) -> Iterator[Problem]:
    """A user must not run beside the writer that creates or deletes what it uses."""
    for writer in writers:
        operation = view.operations[writer]
        if operation is None or operation.access == "update":
            continue
        for user in users:
            if user != writer and not view.shape.ordered(writer, user):
                yield _conflict(view, resource, writer, user)


def _conflict(view: View, resource: ResourceId, one: int, other: int) -> Problem:
    first, second = view.named(one), view.named(other)
    return problem(
        "conflict",
        *("steps", other, "needs"),
        reason=f"{first} and {second} may run at the same time, and both have to do with {resource!r}",
        remedy=f"add {first} to the needs of {second}, or the other way round",
    )
