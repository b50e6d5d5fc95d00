"""A plan prepared for the rules: steps by index, their order, and the states that will be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jsonschema_rs

from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName, ResourceId
from steersman.domain.operation import Operation
from steersman.domain.plan import Observation, Plan, Problem
from steersman.planning.graph import Graph, graph
from steersman.planning.schema import pointer_text, validator
from steersman.planning.simulation import Before, befores, target
from steersman.planning.world import World, probe_key


@dataclass(frozen=True, slots=True)
class View:
    """What the rules read."""

    plan: Plan
    world: World
    index: Mapping[str, int]
    """First step of each id."""
    needs: tuple[tuple[int, ...], ...]
    """Only those that exist."""
    shape: Graph
    operations: tuple[Operation | None, ...]
    targets: tuple[ResourceId | None, ...]
    befores: tuple[Before, ...]
    writes: Mapping[str, list[tuple[int, JsonObject | None]]]
    observed: Mapping[str, Observation]
    """By the key of the probe."""
    states: Mapping[str, JsonObject]
    """The observed state, by the key of the probe."""
    validators: Validators

    def named(self, index: int) -> str:
        """How a step is called in messages."""
        return repr(self.plan.steps[index].id)


def view(plan: Plan, world: World) -> View:
    """The view of any plan, however broken."""
    steps = plan.steps
    index: dict[str, int] = {}
    for place, step in enumerate(steps):
        index.setdefault(step.id, place)
    needs = tuple(tuple(index[need] for need in step.needs if need in index) for step in steps)
    shape = graph(needs)
    operations = tuple(world.catalogue.get(step.operation) for step in steps)
    observed = {probe_key(seen.probe): seen for seen in plan.observations}
    states = {key: seen.state for key, seen in observed.items()}
    before, writes = befores(steps, shape, world.catalogue, states)
    return View(
        plan=plan,
        world=world,
        index=index,
        needs=needs,
        shape=shape,
        operations=operations,
        targets=tuple(target(op, step.arguments) if op else None for op, step in zip(operations, steps, strict=True)),
        befores=before,
        writes=writes,
        observed=observed,
        states=states,
        validators=Validators(world.catalogue),
    )


def problem(code: str, *path: str | int, reason: str, remedy: str) -> Problem:
    """A problem at a path into the plan."""
    return Problem(path=pointer_text(path), code=code, reason=reason, remedy=remedy)


class Validators(dict[OperationName, jsonschema_rs.Validator]):
    """The compiled input schemas of a catalogue, each when it is first asked for."""

    def __init__(self, catalogue: Mapping[OperationName, Operation]) -> None:
        super().__init__()
        self._catalogue = catalogue

    def __missing__(self, name: OperationName) -> jsonschema_rs.Validator:
        self[name] = compiled = validator(self._catalogue[name].input_schema)
        return compiled
