"""Dataflow over a DAG: a step starts the moment its needs are met; nothing waits for an unrelated branch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from steersman.domain.errors import InputError
from steersman.domain.ids import StepId

Needs = Mapping[StepId, Iterable[StepId]]
"""Each step with those that must be done before it."""


def ready(needs: Needs, done: frozenset[StepId], started: frozenset[StepId]) -> tuple[StepId, ...]:
    """The steps that may start now: everything they need is done, and they have not started. Pure; the specification.

    `Frontier` gives the same answer step by step without looking at the whole plan each time.
    """
    return tuple(step for step, wants in needs.items() if step not in started and done.issuperset(wants))


@dataclass(slots=True)
class Frontier:
    """`ready`, kept up to date in time proportional to the edges (a plan of 3,000 steps costs no more a step)."""

    needs: Needs
    _sorter: TopologicalSorter[StepId] = field(init=False)

    def __post_init__(self) -> None:
        self._sorter = TopologicalSorter(self.needs)
        try:
            self._sorter.prepare()
        except CycleError as e:
            cycle = " -> ".join(e.args[1])
            raise InputError(f"the steps wait for each other: {cycle!r}; remove one of these needs") from e

    def take(self) -> tuple[StepId, ...]:
        """Steps that became ready since the last time."""
        return self._sorter.get_ready()

    def done(self, step: StepId) -> None:
        """Its dependents may become ready."""
        self._sorter.done(step)


async def run_dag(needs: Needs, execute: Callable[[StepId], Awaitable[bool]], halted: Callable[[], bool]) -> None:
    """Executes every step whose needs were executed with True; starts nothing more once `halted`.

    Returns when all that was started has ended: one that fails by returning False does not disturb the others.
    """
    frontier = Frontier(needs)

    async def one(step: StepId) -> None:
        if await execute(step):
            frontier.done(step)
            launch()

    def launch() -> None:
        if not halted():
            for step in frontier.take():
                group.create_task(one(step), name=f"step {step}")

    async with asyncio.TaskGroup() as group:
        launch()
