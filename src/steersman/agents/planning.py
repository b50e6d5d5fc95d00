"""Plans on observed facts: asks the pure planner, reads through the gate what it lacks, and asks again.

`make_plan` is the loop; `planning_agent` is the same as a LangGraph graph, for use in another graph.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from steersman.domain.call import Call
from steersman.domain.environment import Principal
from steersman.domain.errors import InputError, SteersmanError
from steersman.domain.goal import Goal
from steersman.domain.ids import RunId, StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan, Problem
from steersman.domain.policy import Route
from steersman.domain.ports import Caller, Clock
from steersman.domain.scenario import Match
from steersman.planning.check import check
from steersman.planning.drift import Drift, drift
from steersman.planning.planner import plan
from steersman.planning.world import Facts, Needs, Reading, World, facts_of, probe_key

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.runtime import Runtime

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


async def make_plan(goal: Goal, matches: Sequence[Match], deps: PlanningDeps) -> Plan:
    """A checked plan. Changes nothing.

    Raises InputError when the goal cannot be planned here, and what the gate raises when something cannot be read.
    """
    facts: Facts = {}
    for _ in range(MOST_ROUNDS):
        made = plan(goal, matches, facts, world=deps.world, now=deps.clock.now())
        if isinstance(made, Plan):
            return sound(made, deps.world)
        facts = {**facts, **await observe(made.probes, deps)}
    raise InputError(f"{goal.text!r}: after {MOST_ROUNDS} rounds of reading the methods still ask for more; mend them")


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


class PlanningState(TypedDict, total=False):
    """What the graph carries. `goal` and `matches` go in; `plan` or `refused` comes out."""

    goal: Goal
    matches: list[Match]
    facts: dict[str, Reading]
    needs: list[Invocation]
    rounds: int
    plan: Plan | None
    refused: str


async def _think(state: PlanningState, runtime: Runtime[PlanningDeps]) -> PlanningState:
    deps = runtime.context
    if state.get("rounds", 0) >= MOST_ROUNDS:
        return {"needs": [], "refused": f"after {MOST_ROUNDS} rounds of reading the methods still ask for more"}
    try:
        made = plan(state["goal"], state["matches"], state.get("facts", {}), world=deps.world, now=deps.clock.now())
        if isinstance(made, Needs):
            return {"needs": list(made.probes), "rounds": state.get("rounds", 0) + 1}
        return {"needs": [], "plan": sound(made, deps.world)}
    except InputError as e:
        return {"needs": [], "refused": str(e)}


async def _look(state: PlanningState, runtime: Runtime[PlanningDeps]) -> PlanningState:
    try:
        found = await observe(state["needs"], runtime.context)
    except SteersmanError as e:
        return {"needs": [], "refused": str(e)}
    return {"facts": {**state.get("facts", {}), **found}}


def _what_next(state: PlanningState) -> str:
    return "look" if state.get("needs") else "end"


def _seen_or_refused(state: PlanningState) -> str:
    return "end" if state.get("refused") else "think"


def planning_agent() -> CompiledStateGraph[PlanningState, PlanningDeps, PlanningState, PlanningState]:
    """The loop as a graph: think, look, think again. Dependencies come in as the run's context."""
    from langgraph.graph import END, START, StateGraph

    builder = StateGraph(PlanningState, context_schema=PlanningDeps)
    builder.add_node("think", _think)
    builder.add_node("look", _look)
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", _what_next, {"look": "look", "end": END})
    builder.add_conditional_edges("look", _seen_or_refused, {"think": "think", "end": END})
    return builder.compile(name="planning")
