"""LangGraph agents. Each can be used alone: typed dependencies in, a compiled graph out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from steersman.agents.monitoring import MonitoringDeps, composite_monitoring
    from steersman.agents.sub_agents import SubAgentDeps, sub_agent

__all__ = ["AGENTS", "MonitoringDeps", "SubAgentDeps", "build", "composite_monitoring", "sub_agent"]

AGENTS: dict[str, tuple[str, str]] = {
    "recall": (
        "steersman.agents.recall:recall_agent",
        "Recalls scenarios, past runs and incidents in one step, and answers with citations.",
    ),
    "benchmark_runner": (
        "steersman.agents.benchmark:benchmark_runner",
        "Reads a load test out of words, asks for what is missing, runs it, judges it, names the bottleneck.",
    ),
    "planning": (
        "steersman.agents.planning:planning_agent",
        "Plans a goal on observed facts: asks the planner, reads what it lacks through the gate, asks again.",
    ),
    "monitoring": (
        "steersman.agents.monitoring:outline",
        "Asks all sources of telemetry at once, and ranks root causes; sub-agents of other systems look beside it.",
    ),
    "sub-agent": (
        "steersman.agents.sub_agents:outline",
        "Reads one system: a playbook first, then, where there is a model, a ReAct loop within a budget.",
    ),
}
"""Name to where it is made and what it does."""


def build(name: str) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The compiled graph of an agent. Raises KeyError for an unknown one; imports LangGraph."""
    module, _, function = AGENTS[name][0].partition(":")
    graph: CompiledStateGraph[Any, Any, Any, Any] = getattr(import_module(module), function)()
    return graph


_LAZY = {
    "composite_monitoring": "steersman.agents.monitoring",
    "MonitoringDeps": "steersman.agents.monitoring",
    "sub_agent": "steersman.agents.sub_agents",
    "SubAgentDeps": "steersman.agents.sub_agents",
}
"""Public names whose modules are imported when they are first used."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
