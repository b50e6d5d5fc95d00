"""Scenarios: what the knowledge base holds, and the typed methods that the planner decomposes goals with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue, model_validator

from steersman.domain.environment import Tier
from steersman.domain.fact import Fact, Instant, JsonObject, Slug
from steersman.domain.ids import ScenarioId
from steersman.domain.operation import Invocation
from steersman.domain.plan import PHASES, Check, Comparison, Predicate, Retry, Threshold
from steersman.domain.signal import Selector, SignalName

ParameterKind = Literal[
    "service", "version", "registry", "weights", "percent", "duration_s", "amount", "number", "word", "name"
]


class Parameter(Fact):
    """A typed hole in a scenario or a method. Without a default it must be given."""

    name: str
    kind: ParameterKind | None = None
    """What code looks for in the goal's text; None: only an explicit value or the default counts."""
    words: tuple[str, ...] = ()
    """Numbers, percentages and durations count only next to one of these, when there are any; names always do (next to
    the parameter's own name, when there are none)."""
    schema_: JsonObject = Field(alias="schema", default={"type": "string"})
    default: JsonValue = None
    required: bool = True
    why: str = ""


class ThresholdTemplate(Fact):
    """A threshold whose bound is a parameter: `{parameter}`."""

    kind: Literal["threshold"] = "threshold"
    op: Literal[">", ">=", "<", "<="]
    value: str


class ConditionTemplate(Fact):
    """A condition before the plan's parameters are known; strings may hold `{parameter}`."""

    id: str
    signal: SignalName
    selector: Selector = Selector()
    test: Threshold | Comparison | ThresholdTemplate
    window_s: float | str = 300.0
    point_s: float | str = 5.0
    min_points: int | str = 50
    reaction: Literal["rollback", "pause"] = "rollback"
    text: str = ""


class HoldTemplate(Fact):
    """A hold before parameters are known."""

    conditions: tuple[str, ...] = ()
    for_s: float | str = 60.0
    max_s: float | str = 600.0


class FactTest(Fact):
    """A precondition of a method: a predicate over the answer of a probe, observed or following from earlier steps."""

    probe: Invocation | None = None
    """The read whose answer is tested; arguments may hold `{parameter}`.
    None: the predicate reads `{"environment": ..., "parameters": ...}`.
    """
    test: Predicate
    """Its `path` and `value` may hold `{parameter}`."""
    why: str = ""
    """What it means when the test fails, for people; may hold `{parameter}`."""


class Subtask(Fact):
    """A task to break down further, or an operation to call: exactly one of `task` and `operation`."""

    id: str = ""
    """Name of the step; later subtasks refer to it in `$from`. Strings may hold `{parameter}`."""
    task: str | None = None
    """A task that methods break down, or one of the vocabulary (`planning/vocabulary.py`)."""
    operation: str | None = None
    arguments: JsonObject = {}
    """Keys and values may be strings with `{parameter}` (typed when the whole string is one hole) or expressions."""
    phase: str | None = None
    after: tuple[str, ...] = ()
    """Ids that it must follow, beyond what data and resources already order."""
    preconditions: tuple[Check, ...] = ()
    postconditions: tuple[Check, ...] = ()
    hold: HoldTemplate | None = None
    retry: Retry = Retry()
    timeout_s: float | None = None
    for_each: str | None = None
    """Name of a list parameter: the subtask is repeated with `{item}` and `{index}`. The repetitions are ordered as
    all subtasks are: by data, resources, `after`, and the method's `sequence`.
    """
    why: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Subtask:
        if (self.task is None) == (self.operation is None):
            raise ValueError(f"a subtask names a task or an operation, exactly one: {self.task!r}, {self.operation!r}")
        return self

    @property
    def name(self) -> str:
        """What its siblings call it."""
        return self.id or self.task or (self.operation or "").rpartition(".")[2]


class Method(Fact):
    """One way to do a task, for when its preconditions hold. Earlier ones are preferred."""

    name: str
    task: str
    parameters: tuple[Parameter, ...] = ()
    """What it takes, with types; an argument of another type makes it inapplicable."""
    when: tuple[FactTest, ...] = ()
    subtasks: tuple[Subtask, ...] = ()
    """None: nothing is left to do."""
    sequence: bool = False
    """Each subtask waits for the one before it, even where neither data nor resources say so."""
    why: str = ""


class MethodSet(Fact):
    """The typed body of a scenario."""

    root: str
    methods: tuple[Method, ...]
    phases: tuple[Slug, ...] = PHASES
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
