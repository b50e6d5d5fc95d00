"""LangGraph agents. Each can be used alone: typed dependencies in, a compiled graph out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

AGENTS: dict[str, tuple[str, str]] = {
    "recall": (
        "steersman.agents.recall:recall_agent",
        "Recalls scenarios, past runs and incidents in one step, and answers with citations.",
    ),
    "planning": (
        "steersman.agents.planning_agent:planning_agent",
        "Plans a goal on observed facts: asks the planner, reads what it lacks, asks again; a model may add to it.",
    ),
    "tool_executor": (
        "steersman.agents.tool_executor:tool_executor_agent",
        "Runs one call of thousands: recalls a handful of operations, chooses, validates, calls through the gate.",
    ),
    "memory": (
        "steersman.agents.memory:memory_agent",
        "Remembers conversations: keeps turns, sums up under a token budget, finds again, forgets on request.",
    ),
}
"""Name to where it is made and what it does."""


def build(name: str) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The compiled graph of an agent. Raises KeyError for an unknown one; imports LangGraph."""
    module, _, function = AGENTS[name][0].partition(":")
    graph: CompiledStateGraph[Any, Any, Any, Any] = getattr(import_module(module), function)()
    return graph
