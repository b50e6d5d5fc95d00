"""The agents of this package as sub-agents of the supervisor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

from steersman.agents.delegation import Report, SubAgent, Task
from steersman.agents.planning import PlanningDeps
from steersman.agents.planning_graph import planning_agent
from steersman.agents.recall import RecallDeps, recall_agent
from steersman.domain.finding import Investigation
from steersman.domain.goal import Goal
from steersman.domain.scenario import Match
from steersman.knowledge.fit import Ask

Recall = Callable[[str], list[Match]]


def planner(recall: Recall, deps: PlanningDeps) -> SubAgent:
    """Plans changes; never executes them."""

    def enter(task: Task) -> dict[str, Any]:
        goal = task.goal or Goal(text=task.question)
        return {"goal": goal, "matches": recall(goal.text)}

    def leave(state: dict[str, Any]) -> Report:
        plan = state.get("plan")
        if plan is None:
            return Report(agent="planner", state="refused", text=state.get("refused", ""))
        text = f"a plan of {len(plan.steps)} steps ({plan.scenario_id or 'drafted'}), {plan.digest()[:19]}"
        return Report(agent="planner", text=text, plan=plan)

    return SubAgent(
        name="planner",
        description="makes a checked plan for a change",
        intents=frozenset({"change", "benchmark"}),
        graph=planning_agent(),
        enter=enter,
        leave=leave,
        context=deps,
    )


def librarian(deps: RecallDeps) -> SubAgent:
    """Answers from the knowledge base, with citations."""

    def leave(state: dict[str, Any]) -> Report:
        found = state["recalled"]
        return Report(agent="librarian", text=found.text, matches=found.matches)

    return SubAgent(
        name="librarian",
        description="recalls scenarios and past runs, with citations",
        intents=frozenset({"answer"}),
        graph=recall_agent(),
        enter=lambda task: {"ask": Ask(goal=task.question)},
        leave=leave,
        context=deps,
    )


class _Looking(TypedDict, total=False):
    task: Task
    found: Investigation


def detective(investigate: Callable[[Task], Awaitable[Investigation]]) -> SubAgent:
    """Finds causes; `investigate` reads the telemetry, and nothing of what it reads comes out but findings."""
    from langgraph.graph import END, START, StateGraph

    async def look(state: _Looking) -> _Looking:
        return {"found": await investigate(state["task"])}

    def leave(state: dict[str, Any]) -> Report:
        found: Investigation = state["found"]
        best = found.root_causes[0] if found.root_causes else None
        text = (
            f"{best.service}: {best.kind}. {best.explanation}"
            if best
            else {"no_fault": "no fault", "not_enough_data": "not enough data"}.get(found.result, found.result)
        )
        return Report(agent="detective", text=text, investigation=found)

    builder = StateGraph(_Looking)
    builder.add_node("look", look)
    builder.add_edge(START, "look")
    builder.add_edge("look", END)
    return SubAgent(
        name="detective",
        description="finds root causes in telemetry",
        intents=frozenset({"investigate"}),
        graph=builder.compile(name="detective"),
        enter=lambda task: {"task": task},
        leave=leave,
    )
