"""Sub-agents as the supervisor sees them: a task goes in, a typed report comes out, the transcript stays inside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from steersman.agents.subgraphs import Graph
from steersman.domain.fact import Fact, Instant, JsonObject
from steersman.domain.finding import Investigation, RootCause
from steersman.domain.goal import Goal
from steersman.domain.plan import Plan
from steersman.domain.scenario import Match
from steersman.knowledge.intent import Intent


class AlertFacts(Fact):
    """An alert as code parsed it: no free text of its sender."""

    name: str
    service: str = ""
    severity: str = ""
    started_at: Instant | None = None
    fingerprint: str = ""


class Request(Fact):
    """What somebody wants: words of a person, or an alert's facts."""

    text: str = ""
    parameters: JsonObject = {}
    alert: AlertFacts | None = None
    lang: Literal["en", "ko"] = "en"


class Task(Fact):
    """What one sub-agent is to do."""

    agent: str
    intent: Intent
    question: str
    """The person's words, or a sentence made by code from typed values; never a model's and never telemetry's."""
    goal: Goal | None = None
    alert: AlertFacts | None = None
    findings: tuple[RootCause, ...] = ()
    """What others have found before."""


class Report(Fact):
    """What a sub-agent hands on: typed values, and a sentence that code made from them."""

    agent: str
    state: Literal["done", "refused", "failed"] = "done"
    text: str = ""
    plan: Plan | None = None
    investigation: Investigation | None = None
    matches: tuple[Match, ...] = ()
    facts: JsonObject = {}
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SubAgent:
    """A graph with what it takes to call it as a tool."""

    name: str
    description: str
    """For a model that chooses, and for `steer agents list`."""
    intents: frozenset[Intent]
    graph: Graph
    enter: Callable[[Task], Any]
    """The graph's input for a task."""
    leave: Callable[[Any], Report]
    """The report, from the graph's state."""
    context: Any = None
    """The graph's dependencies."""
    timeout_s: float = 300.0
