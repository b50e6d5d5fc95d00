"""CompositeMonitoringAgent: all sources of telemetry as one. Fans out, correlates, ranks root causes.

Everything is asked at once; what is down costs one timeout and is told as a hole, never as "all is well". Sub-agents of
systems that give no telemetry (a cluster, a database) look beside it, and what they find is weighed with the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from steersman.agents.investigate import Member, Scope, investigate
from steersman.agents.sub_agents import SubAgentDeps, SubAnswer, SubState, sub_agent
from steersman.domain.finding import Finding, Investigation, RootCause
from steersman.domain.signal import Window

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

SHOWN = 0.5
"""Score from which what a sub-agent read off by code is a cause by itself, where telemetry shows none."""
CAUSES = 5


@dataclass(frozen=True, slots=True)
class MonitoringDeps:
    """Who is asked."""

    sources: tuple[Member, ...]
    scope: Scope = field(default_factory=Scope)
    looking: SubAgentDeps | None = None
    """Through what the sub-agents read; with a model in it, they go on where their playbooks end."""
    systems: tuple[str, ...] = ()
    """Toolsets whose sub-agents look as well."""


class MonitoringState(TypedDict, total=False):
    """`question` and `window` go in; `investigation` and `answers` come out."""

    question: str
    window: Window
    telemetry: Investigation
    answers: list[SubAnswer]
    investigation: Investigation


def composite_monitoring(
    deps: MonitoringDeps,
) -> CompiledStateGraph[MonitoringState, None, MonitoringState, MonitoringState]:
    """The agent. Raises ConfigError when one of the systems has no reads."""
    from langgraph.graph import END, START, StateGraph

    subs = [sub_agent(system, deps.looking) for system in deps.systems] if deps.looking else []

    async def telemetry(state: MonitoringState) -> MonitoringState:
        found = await investigate(state["question"], state["window"], deps.sources, scope=deps.scope)
        return {"telemetry": found}

    async def systems(state: MonitoringState) -> MonitoringState:
        asked: SubState = {"question": state["question"], "window": state["window"], "service": deps.scope.service}
        answers = await asyncio.gather(*(sub.ainvoke(asked) for sub in subs))
        return {"answers": [answer["answer"] for answer in answers]}

    async def correlate(state: MonitoringState) -> MonitoringState:
        return {"investigation": together(state["telemetry"], state["answers"])}

    builder = StateGraph(MonitoringState)
    builder.add_node("telemetry", telemetry)
    builder.add_node("systems", systems)
    builder.add_node("correlate", correlate)
    builder.add_edge(START, "telemetry")
    builder.add_edge(START, "systems")
    builder.add_edge(["telemetry", "systems"], "correlate")
    builder.add_edge("correlate", END)
    return builder.compile(name="composite_monitoring")


def outline() -> CompiledStateGraph[MonitoringState, None, MonitoringState, MonitoringState]:
    """The graph with nobody to ask: for drawing it."""
    return composite_monitoring(MonitoringDeps(sources=()))


def together(found: Investigation, answers: Sequence[SubAnswer]) -> Investigation:
    """One answer of telemetry and of what sub-agents found.

    The ranking of causes is that of the telemetry. A finding about the same service speaks for it; strong ones of code
    are causes where telemetry shows none. A model's claims support, and never rank.
    """
    evidence = {**found.evidence, **{key: item for answer in answers for key, item in answer.evidence.items()}}
    holes = (*found.holes, *(hole for answer in answers for hole in answer.holes))
    read = sorted((f for answer in answers for f in answer.findings), key=lambda f: (-f.score, f.service, f.kind))
    claimed = [f for answer in answers for f in answer.claims]
    causes = tuple(_supported(cause, read, claimed) for cause in found.root_causes)
    if not causes:
        strong = [finding for finding in read if finding.score >= SHOWN][:CAUSES]
        found_here = (RootCause(rank=n, **finding.model_dump()) for n, finding in enumerate(strong, start=1))
        causes = tuple(_supported(cause, (), claimed) for cause in found_here)
    result = "cause" if causes else found.result
    if result == "no_fault" and holes:
        result = "not_enough_data"
    update = {"evidence": evidence, "holes": holes, "root_causes": causes, "result": result}
    return found.model_copy(update=update)


def _supported(cause: RootCause, read: Sequence[Finding], claimed: Sequence[Finding]) -> RootCause:
    """The cause with what sub-agents found about its service."""
    same = [finding for finding in read if finding.service == cause.service]
    agreeing = [claim for claim in claimed if (claim.service, claim.kind) == (cause.service, cause.kind)]
    if not same and not agreeing:
        return cause
    sentences = [f"{finding.explanation[:-1]} ({finding.kind})." for finding in same]
    sentences += [claim.explanation for claim in agreeing]
    evidence = dict.fromkeys((*cause.evidence, *(each for finding in (*same, *agreeing) for each in finding.evidence)))
    update = {"speaks_for": (*cause.speaks_for, *dict.fromkeys(sentences)), "evidence": tuple(evidence)}
    return cause.model_copy(update=update)
