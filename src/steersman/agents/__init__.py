"""LangGraph agents. Each can be used alone: typed dependencies in, a compiled graph out. Imported when first named."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from steersman.agents.benchmark import BenchmarkDeps, benchmark_runner
    from steersman.agents.delegation import Report, Request, SubAgent, Task
    from steersman.agents.guardrail import GuardrailDeps, guardrail_agent
    from steersman.agents.monitoring import MonitoringDeps, composite_monitoring
    from steersman.agents.planning import PlanningDeps
    from steersman.agents.planning_graph import planning_agent
    from steersman.agents.recall import RecallDeps, recall_agent
    from steersman.agents.sub_agents import SubAgentDeps, sub_agent
    from steersman.agents.subgraphs import Part, Retrying, subgraph_supervisor
    from steersman.agents.supervising import SupervisorDeps, supervisor

__all__ = [
    "AGENTS",
    "BenchmarkDeps",
    "GuardrailDeps",
    "MonitoringDeps",
    "Part",
    "PlanningDeps",
    "RecallDeps",
    "Report",
    "Request",
    "Retrying",
    "SubAgent",
    "SubAgentDeps",
    "SupervisorDeps",
    "Task",
    "benchmark_runner",
    "build",
    "composite_monitoring",
    "drawn",
    "guardrail_agent",
    "planning_agent",
    "recall_agent",
    "sub_agent",
    "subgraph_supervisor",
    "supervisor",
]

AGENTS: dict[str, tuple[str, str]] = {
    "supervisor": (
        "steersman.agents.supervising:supervisor",
        "Takes a goal, question or alert, routes it, runs sub-agents side by side, hands typed results on.",
    ),
    "planning": (
        "steersman.agents.planning_graph:planning_agent",
        "Plans a goal on observed facts: asks the planner, reads what it lacks, asks again; a model may add to it.",
    ),
    "guardrail": (
        "steersman.agents.guardrail:guardrail_agent",
        "Explains what the policy decides about an action or plan; a model's second opinion can only be stricter.",
    ),
    "recall": (
        "steersman.agents.recall:recall_agent",
        "Recalls scenarios, past runs and incidents in one step, and answers with citations.",
    ),
    "benchmark_runner": (
        "steersman.agents.benchmark:benchmark_runner",
        "Reads a load test out of words, asks for what is missing, runs it, judges it, names the bottleneck.",
    ),
    "subgraphs": (
        "steersman.agents.subgraphs:subgraph_supervisor",
        "Ties sub-graphs into a DAG: parallel and in sequence, retries, policy for failures, questions one at a time.",
    ),
    "monitoring": (
        "steersman.agents.monitoring:outline",
        "Asks all sources of telemetry at once, and ranks root causes; sub-agents of other systems look beside it.",
    ),
    "sub-agent": (
        "steersman.agents.sub_agents:outline",
        "Reads one system: a playbook first, then, where there is a model, a ReAct loop within a budget.",
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

PLACES: dict[str, str] = {
    "supervisor": "supervising",
    "SupervisorDeps": "supervising",
    "planning_agent": "planning_graph",
    "PlanningDeps": "planning",
    "guardrail_agent": "guardrail",
    "GuardrailDeps": "guardrail",
    "recall_agent": "recall",
    "RecallDeps": "recall",
    "benchmark_runner": "benchmark",
    "BenchmarkDeps": "benchmark",
    "subgraph_supervisor": "subgraphs",
    "Part": "subgraphs",
    "Retrying": "subgraphs",
    "composite_monitoring": "monitoring",
    "MonitoringDeps": "monitoring",
    "sub_agent": "sub_agents",
    "SubAgentDeps": "sub_agents",
    "SubAgent": "delegation",
    "Task": "delegation",
    "Report": "delegation",
    "Request": "delegation",
}
"""What can be imported from here, and the module that has it."""


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{PLACES[name]}"), name)


def build(name: str) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The compiled graph of an agent. Raises KeyError for an unknown one; imports LangGraph."""
    module, _, function = AGENTS[name][0].partition(":")
    graph: CompiledStateGraph[Any, Any, Any, Any] = getattr(import_module(module), function)()
    return graph


def drawn(name: str) -> str:
    """An agent's graph as mermaid; of sub-graphs, those of a plan's phases. Raises KeyError for an unknown one."""
    if name == "subgraphs":
        from steersman.agents.subgraphs import mermaid
        from steersman.domain.plan import PHASES

        return mermaid(dict(zip(PHASES, [(), *((phase,) for phase in PHASES)], strict=False)))
    return str(build(name).get_graph().draw_mermaid())
