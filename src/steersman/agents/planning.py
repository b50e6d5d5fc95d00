"""Plans on observed facts: asks the pure planner, reads through the gate what it lacks, and asks again.

`plan_on_facts` is the loop. With a model's help, and as a LangGraph graph: `agents/proposing.py`, `planning_graph.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from steersman.domain.call import Call
from steersman.domain.environment import Principal
from steersman.domain.errors import InputError, SteersmanError
from steersman.domain.goal import Goal
from steersman.domain.ids import RunId, StepId
from steersman.domain.model import Model
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan, Problem
from steersman.domain.policy import Route
from steersman.domain.ports import Caller, Clock
from steersman.domain.scenario import Match
from steersman.planning.check import check
from steersman.planning.drift import Drift, drift
from steersman.planning.planner import plan
from steersman.planning.world import Facts, Reading, World, facts_of, probe_key

MOST_ROUNDS = 12
"""Two or three suffice; each must bring answers that were not there before."""
AT_ONCE = 16
PROBLEMS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class PlanningDeps:
    """What planning needs: the gate, the world, the time, and in whose name it reads."""

    caller: Caller
    world: World
    clock: Clock
    principal: Principal
    run_id: RunId
    route: Route = "agent"
    model: Model | None = None
    """Reads goals and drafts where no scenario serves (`agents/proposing.py`); None: code alone."""
    rounds: int = 3
    """Drafts that a model may give before that is that."""


async def plan_on_facts(goal: Goal, matches: Sequence[Match], deps: PlanningDeps) -> Plan:
    """A checked plan, with no model. Changes nothing.

    Raises InputError when the goal cannot be planned here, and what the gate raises when something cannot be read.
    """
    deps = await acquainted(deps)
    facts: Facts = {}
    for _ in range(MOST_ROUNDS):
        made = plan(goal, matches, facts, world=deps.world, now=deps.clock.now())
        if isinstance(made, Plan):
            return sound(made, deps.world)
        facts = {**facts, **await observe(made.probes, deps)}
    raise InputError(f"{goal.text!r}: after {MOST_ROUNDS} rounds of reading the methods still ask for more; mend them")


async def acquainted(deps: PlanningDeps) -> PlanningDeps:
    """With the names of what runs here, where somebody can tell: a goal speaks of it by name.

    Where it is not told, a goal is read by the words around a name, as where nobody can tell.
    """
    world = deps.world
    if world.services or world.workloads or world.list_workloads is None:
        return deps
    try:
        (reading,) = (await observe([Invocation(operation=world.list_workloads, arguments={})], deps)).values()
    except SteersmanError:
        return deps
    told = reading.state.get("workloads")
    return replace(deps, world=replace(world, workloads=frozenset(told if isinstance(told, dict) else ())))


def sound(made: Plan, world: World) -> Plan:
    """The plan, if the checker finds nothing. Raises InputError with what it finds."""
    problems = check(made, world)
    if problems:
        raise InputError("the plan is not sound: " + "; ".join(map(_line, problems[:PROBLEMS_SHOWN])))
    return made


async def observe(probes: Iterable[Invocation], deps: PlanningDeps) -> Facts:
    """The answers of probes, read through the gate, some at a time.

    Raises InputError for a probe that is no read, and the first error of the gate once all others have ended.
    """
    asked = list({probe_key(probe): probe for probe in probes}.values())
    for probe in asked:
        operation = deps.world.catalogue.get(probe.operation)
        if operation is None or operation.effect != "read":
            raise InputError(f"{probe.operation!r} is no registered read, so it cannot be looked with")
    free = asyncio.Semaphore(AT_ONCE)
    answers = await asyncio.gather(*(_read(probe, free, deps) for probe in asked), return_exceptions=True)
    readings = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        readings.append(answer)
    return facts_of(*readings)


async def drifted(made: Plan, deps: PlanningDeps) -> list[Drift]:
    """What has changed since the plan was made, by reading everything again that it was made on."""
    return drift(made, await observe((seen.probe for seen in made.observations), deps))


async def _read(probe: Invocation, free: asyncio.Semaphore, deps: PlanningDeps) -> Reading:
    async with free:
        outcome = await deps.caller.call(
            Call(
                operation=probe.operation,
                arguments=probe.arguments,
                environment=deps.world.environment,
                principal=deps.principal,
                route=deps.route,
                run_id=deps.run_id,
                step_id=StepId("observe"),
            )
        )
    return Reading(probe=probe, state=outcome.output, observed_at=outcome.finished_at)


def _line(problem: Problem) -> str:
    return f"{problem.path} ({problem.code}): {problem.reason}; {problem.remedy}"
