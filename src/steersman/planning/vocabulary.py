"""Tasks that are broken down by code, because data cannot count: the small vocabulary beside a scenario's methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from pydantic import Field, JsonValue, ValidationError

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.scenario import Subtask

FULL = 100
"""Percent."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """Subtasks with final values: nothing in them is filled again."""

    subtasks: tuple[Subtask, ...]
    why: str


class Shift(Fact):
    """Arguments of `traffic.shift`: moves traffic in steps, each behind the hold of the subtask that asks for it."""

    operation: str
    arguments: JsonObject = {}
    """What the operation takes beside the weights."""
    field: str = "weights"
    """The argument that carries `{to: weight, from: 100 - weight}`."""
    to: str
    from_: str = Field(alias="from")
    weights: tuple[int, ...] = Field(min_length=1)
    """Percent for `to`, rising; the last one is 100 for a full shift."""


class Batches(Fact):
    """Arguments of `rollout.batches`: a task for each item, some at a time, each batch behind the one before."""

    task: str
    arguments: JsonObject = {}
    over: str = "item"
    """The argument that carries the item."""
    items: tuple[JsonValue, ...]
    size: int = Field(default=1, ge=1)


def shift(asked: Subtask, given: JsonObject) -> Expansion:
    """One step for each weight; each waits for the one before by the resource that both change."""
    wanted = _parsed(Shift, "traffic.shift", given)
    if any(not 0 < weight <= FULL for weight in wanted.weights) or any(a >= b for a, b in pairwise(wanted.weights)):
        raise InputError(
            f"weights rise from above 0 to at most {FULL}: {list(wanted.weights)!r}; give for example 10,50,100"
        )
    steps = tuple(
        Subtask(
            id=f"{asked.name}-{weight}",
            operation=wanted.operation,
            arguments={**wanted.arguments, wanted.field: {wanted.to: weight, wanted.from_: FULL - weight}},
            hold=asked.hold,
            retry=asked.retry,
            timeout_s=asked.timeout_s,
            postconditions=asked.postconditions,
            why=f"{weight} % of the traffic to {wanted.to}",
        )
        for weight in wanted.weights
    )
    return Expansion(steps, f"{len(steps)} weights, one after the other")


def batches(asked: Subtask, given: JsonObject) -> Expansion:
    """The task for each item; `size` of them at a time."""
    wanted = _parsed(Batches, "rollout.batches", given)
    made: list[Subtask] = []
    former: tuple[str, ...] = ()
    for start in range(0, len(wanted.items), wanted.size):
        batch = tuple(
            Subtask(
                id=f"{asked.name}-{start + place + 1}",
                task=wanted.task,
                arguments={**wanted.arguments, wanted.over: item},
                after=former,
            )
            for place, item in enumerate(wanted.items[start : start + wanted.size])
        )
        made += batch
        former = tuple(subtask.name for subtask in batch)
    return Expansion(tuple(made), f"{len(wanted.items)} items, {wanted.size} at a time")


VOCABULARY: Mapping[str, Callable[[Subtask, JsonObject], Expansion]] = {
    "traffic.shift": shift,
    "rollout.batches": batches,
}


F = TypeVar("F", bound=Fact)


def _parsed(kind: type[F], name: str, given: JsonObject) -> F:
    try:
        return kind.model_validate(given)
    except ValidationError as e:
        wrong = "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in e.errors())
        raise InputError(f"task {name!r} was given {given!r}: {wrong}") from e
