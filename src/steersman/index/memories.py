"""Past runs and incidents, kept to answer "have we seen this before?"."""

from __future__ import annotations

from pathlib import Path

from steersman.domain.finding import Finding
from steersman.domain.ids import ScenarioId
from steersman.domain.ports import Embedder
from steersman.domain.run import Run
from steersman.domain.scenario import Labels, Scenario, ScenarioProvenance
from steersman.index.base import DEFAULT, KnowledgeBase
from steersman.index.opening import open_store


def open_memories(home: Path, *, embedder: Embedder | None, namespace: str = DEFAULT, url: str = "") -> KnowledgeBase:
    """The memories of a namespace: a knowledge base without shipped scenarios, in the same store."""
    store = open_store(home, embedder=embedder, url=url)
    return KnowledgeBase(store, embedder, f"memories/{namespace}", shipped=False)


def remember_run(memories: KnowledgeBase, run: Run) -> None:
    """Keeps what a run was for and what became of it; again: the latest state counts."""
    verdicts = tuple(f"{verdict.result}: {verdict.reason}"[:400] for verdict in run.verdicts)
    _keep(memories, run.run_id, f"{run.plan.goal} ({run.state})", verdicts, run.plan.environment.kind)


def remember_incident(memories: KnowledgeBase, incident_id: str, question: str, findings: tuple[Finding, ...]) -> None:
    """Keeps what an incident looked like and what was found: typed findings, no telemetry text."""
    found = tuple(f"{finding.kind} {finding.service}" for finding in findings)
    _keep(memories, incident_id, question, found, "")


def _keep(memories: KnowledgeBase, identity: str, goal: str, notes: tuple[str, ...], platform: str) -> None:
    scenario = Scenario(
        id=ScenarioId(identity),
        goal=goal,
        steps=notes,
        labels=Labels(platforms=frozenset({platform} if platform else ())),
        provenance=ScenarioProvenance(author="memory"),
    )
    memories.add([scenario], late=True)
