"""Scenarios: what the knowledge base holds, and the typed methods that the planner decomposes goals with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from steersman.domain.environment import Tier
from steersman.domain.fact import Fact, Instant, JsonObject
from steersman.domain.ids import ScenarioId
from steersman.domain.plan import Check, Comparison, Predicate, Retry, Threshold
from steersman.domain.signal import Selector, SignalName


class Parameter(Fact):
    """A typed hole in a scenario. Without a default it must be given."""

    name: str
    schema_: JsonObject = Field(alias="schema", default={"type": "string"})
    default: JsonValue = None
    required: bool = True
    why: str = ""


class ConditionTemplate(Fact):
    """A condition before the plan's parameters are known; strings may hold `{parameter}`."""

    id: str
    signal: SignalName
    selector: Selector = Selector()
    test: Threshold | Comparison = Field(discriminator="kind")
    window_s: float | str = 300
    point_s: float | str = 5
    min_points: int | str = 50
    reaction: Literal["rollback", "pause"] = "rollback"
    text: str = ""


class HoldTemplate(Fact):
    """A hold before parameters are known."""

    conditions: tuple[str, ...] = ()
    for_s: float | str = 60
    max_s: float | str = 600


class FactTest(Fact):
    """A precondition of a method.

    A predicate over the facts that were observed (or over `environment`, `parameters`).
    """

    resource: str = ""
    """Resource id template, for example `lab/route/{service}`; empty: the predicate reads `{"environment":…,
    "parameters":…}`.
    """
    test: Predicate


class Subtask(Fact):
    """A task to break down further, or an operation to call: exactly one of `task` and `operation`."""

    id: str = ""
    """Name of the step; later subtasks refer to it in `$from`. Strings may hold `{parameter}`."""
    task: str | None = None
    operation: str | None = None
    arguments: JsonObject = {}
    """Values may be strings with `{parameter}` (typed when the whole string is one hole) or expressions."""
    phase: str | None = None
    after: tuple[str, ...] = ()
    """Ids that it must follow, beyond what data and resources already order."""
    preconditions: tuple[Check, ...] = ()
    postconditions: tuple[Check, ...] = ()
    hold: HoldTemplate | None = None
    retry: Retry = Retry()
    timeout_s: float | None = None
    for_each: str | None = None
    """Name of a list parameter: the subtask is repeated with `{item}` and `{index}`, in order."""
    why: str = ""


class Method(Fact):
    """One way to do a task, for when its preconditions hold. Earlier ones are preferred."""

    name: str
    task: str
    when: tuple[FactTest, ...] = ()
    subtasks: tuple[Subtask, ...]
    why: str = ""


class MethodSet(Fact):
    """The typed body of a scenario."""

    root: str
    methods: tuple[Method, ...]
    conditions: tuple[ConditionTemplate, ...] = ()
    invariants: tuple[Check, ...] = ()


class ScenarioProvenance(Fact):
    """Where a scenario comes from. Unreviewed ones are never used in autonomous mode."""

    author: str = ""
    created_at: Instant | None = None
    run_id: str | None = None
    reviewed_by: str | None = None


class Labels(Fact):
    """What a scenario fits. Empty: everything."""

    platforms: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    tiers: frozenset[Tier] = frozenset()


class Scenario(Fact):
    """An entry of the knowledge base. The six plain fields alone load as they are."""

    id: ScenarioId
    goal: str
    conditions: tuple[str | ConditionTemplate, ...] = ()
    tools: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    rollback: str = ""
    goals: dict[Literal["ko", "en"], str] = {}
    """The goal in both languages."""
    when_not: str = ""
    method: MethodSet | None = None
    parameters: tuple[Parameter, ...] = ()
    labels: Labels = Labels()
    signals: tuple[SignalName, ...] = ()
    provenance: ScenarioProvenance = ScenarioProvenance()
    lang: Literal["ko", "en", ""] = ""


class Match(Fact):
    """A scenario that may serve a goal, how well, and why."""

    scenario: Scenario
    score: float
    why: tuple[str, ...]
