"""Planning as a LangGraph graph: think, look, think again; then, where there is a model, ask it what it can add."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict

from steersman.agents.planning import MOST_ROUNDS, PlanningDeps, acquainted, observe, sound
from steersman.agents.proposing import MODEL_FAILS, Proposal, improved
from steersman.domain.errors import InputError, SteersmanError
from steersman.domain.goal import Goal
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan
from steersman.domain.scenario import Match
from steersman.planning.planner import plan
from steersman.planning.world import Needs, Reading

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.runtime import Runtime


class PlanningState(TypedDict, total=False):
    """What the graph carries. `goal` and `matches` go in; `plan` or `refused` comes out."""

    goal: Goal
    matches: list[Match]
    workloads: list[str]
    """What runs here, told once."""
    facts: dict[str, Reading]
    needs: list[Invocation]
    rounds: int
    plan: Plan | None
    refused: str
    notes: list[str]
    """What a model said that was not followed, and how it failed."""


async def _think(state: PlanningState, runtime: Runtime[PlanningDeps]) -> PlanningState:
    deps = await _met(state, runtime.context)
    told: PlanningState = {"workloads": sorted(deps.world.workloads)}
    if state.get("rounds", 0) >= MOST_ROUNDS:
        return {"needs": [], "refused": f"after {MOST_ROUNDS} rounds of reading the methods still ask for more"}
    try:
        made = plan(state["goal"], state["matches"], state.get("facts", {}), world=deps.world, now=deps.clock.now())
        if isinstance(made, Needs):
            return {**told, "needs": list(made.probes), "rounds": state.get("rounds", 0) + 1}
        return {**told, "needs": [], "plan": sound(made, deps.world)}
    except InputError as e:
        return {**told, "needs": [], "refused": str(e)}


async def _met(state: PlanningState, deps: PlanningDeps) -> PlanningDeps:
    if "workloads" not in state:
        return await acquainted(deps)
    return replace(deps, world=replace(deps.world, workloads=frozenset(state["workloads"])))


async def _look(state: PlanningState, runtime: Runtime[PlanningDeps]) -> PlanningState:
    try:
        found = await observe(state["needs"], runtime.context)
    except SteersmanError as e:
        return {"needs": [], "refused": str(e)}
    return {"facts": {**state.get("facts", {}), **found}}


async def _consult(state: PlanningState, runtime: Runtime[PlanningDeps]) -> PlanningState:
    deps = await _met(state, runtime.context)
    if deps.model is None:
        return {"notes": []}
    first = Proposal(plan=state.get("plan"), refused=state.get("refused", ""))
    try:
        found = await improved(first, state["goal"], state["matches"], deps)
    except MODEL_FAILS as e:
        return {"notes": [f"planned without the model: {e}"]}
    except SteersmanError as e:
        return {"plan": None, "refused": str(e)}
    return {"plan": found.plan, "refused": found.refused, "notes": [*found.notes]}


def _what_next(state: PlanningState) -> str:
    return "look" if state.get("needs") else "consult"


def _seen_or_refused(state: PlanningState) -> str:
    return "end" if state.get("refused") else "think"


def planning_agent() -> CompiledStateGraph[PlanningState, PlanningDeps, PlanningState, PlanningState]:
    """Dependencies come in as the run's context; `PlanningDeps.model` is the model, None for code alone."""
    from langgraph.graph import END, START, StateGraph

    builder = StateGraph(PlanningState, context_schema=PlanningDeps)
    builder.add_node("think", _think)
    builder.add_node("look", _look)
    builder.add_node("consult", _consult)
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", _what_next, {"look": "look", "consult": "consult"})
    builder.add_conditional_edges("look", _seen_or_refused, {"think": "think", "end": END})
    builder.add_edge("consult", END)
    return builder.compile(name="planning")
