"""CompositeMonitoringAgent: all sources of telemetry as one. Fans out, correlates, ranks root causes.

Everything is asked at once; what is down costs one timeout and is told as a hole, never as "all is well". Sub-agents of
systems that give no telemetry (a cluster, a database) look beside it, and what they find is weighed with the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from steersman.agents.investigate import Member, Scope, investigate
from steersman.agents.sub_agents import SubAgentDeps, SubAnswer, SubState, sub_agent
from steersman.diagnosis.changes import RELEASES
from steersman.domain.finding import Evidence, Finding, Investigation, RootCause
from steersman.domain.ids import EvidenceId
from steersman.domain.signal import Window
from steersman.planning.goal_names import named_service

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
    are causes where telemetry shows none, those of the service that was asked about first. A model's claims support,
    and never rank.
    """
    evidence = {**found.evidence, **{key: item for answer in answers for key, item in answer.evidence.items()}}
    holes = (*found.holes, *(hole for answer in answers for hole in answer.holes))
    read = sorted((f for answer in answers for f in answer.findings), key=lambda f: (-f.score, f.service, f.kind))
    claimed = [f for answer in answers for f in answer.claims]
    causes = tuple(_supported(cause, read, claimed) for cause in found.root_causes)
    if not causes:
        asked = _asked_about(found, {finding.service for finding in read})
        causes = tuple(_supported(_changed(cause, evidence), (), claimed) for cause in _causes(read, asked))
    result = "cause" if causes else found.result
    if result == "no_fault" and holes:
        result = "not_enough_data"
    update = {"evidence": evidence, "holes": holes, "root_causes": causes, "result": result}
    return found.model_copy(update=update)


def _asked_about(found: Investigation, services: set[str]) -> str:
    """The service that the question is about, where it names one that something was found about."""
    known = found.asked.service if found.asked else ""
    return known or named_service(found.question, frozenset(services)) or ""


def _causes(read: Sequence[Finding], asked: str) -> tuple[RootCause, ...]:
    """One cause for each service that has a strong finding: what says most closely what is wrong, with all the rest."""
    strong = dict.fromkeys(finding.service for finding in read if finding.score >= SHOWN)
    ranked = sorted(strong, key=lambda service: service != asked)[:CAUSES]
    return tuple(_cause(n, [f for f in read if f.service == service]) for n, service in enumerate(ranked, start=1))


def _cause(rank: int, found: Sequence[Finding]) -> RootCause:
    """found: all of one service, the strongest first."""
    first = min(found, key=lambda finding: finding.kind == "unknown")
    evidence = dict.fromkeys(key for finding in (first, *found) for key in finding.evidence)
    others = dict.fromkeys(said for finding in found if (said := _sentence(finding)) != _sentence(first))
    update = {"score": found[0].score, "speaks_for": tuple(others), "evidence": tuple(evidence)}
    return RootCause(rank=rank, **{**first.model_dump(), **update})


def _changed(cause: RootCause, evidence: Mapping[EvidenceId, Evidence]) -> RootCause:
    """The cause with the last change of its service, where one is known: of its code or settings before others."""
    mine = [e for e in evidence.values() if e.source == "changes" and _service(e) == cause.service]
    if not mine:
        return cause
    last = min(mine, key=lambda each: each.value.partition(" ")[0] not in RELEASES)
    said = f"It was changed: {last.value}."
    return cause.model_copy(update={"speaks_for": (*cause.speaks_for, said), "evidence": (*cause.evidence, last.id)})


def _service(evidence: Evidence) -> str:
    selector = evidence.query.get("selector")
    return str(selector.get("service", "")) if isinstance(selector, dict) else ""


def _sentence(finding: Finding) -> str:
    return f"{finding.explanation[:-1]} ({finding.kind})."


def _supported(cause: RootCause, read: Sequence[Finding], claimed: Sequence[Finding]) -> RootCause:
    """The cause with what sub-agents found about its service."""
    same = [finding for finding in read if finding.service == cause.service]
    agreeing = [claim for claim in claimed if (claim.service, claim.kind) == (cause.service, cause.kind)]
    if not same and not agreeing:
        return cause
    sentences = [*map(_sentence, same), *(claim.explanation for claim in agreeing)]
    evidence = dict.fromkeys((*cause.evidence, *(each for finding in (*same, *agreeing) for each in finding.evidence)))
    update = {"speaks_for": (*cause.speaks_for, *dict.fromkeys(sentences)), "evidence": tuple(evidence)}
    return cause.model_copy(update=update)
