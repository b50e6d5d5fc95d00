"""A plan: the only thing that can change the world. Data that is read, checked, hashed, approved, run and undone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from steersman.domain.environment import Environment
from steersman.domain.errors import InputError
from steersman.domain.expression import pointer
from steersman.domain.fact import Digest, Fact, Instant, JsonObject, Slug, digest
from steersman.domain.ids import ConditionId, OperationName, ResourceId, ScenarioId, StepId
from steersman.domain.operation import Invocation
from steersman.domain.signal import Selector, SignalName

PHASES = ("build", "test", "deploy", "observe")

Comparator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "exists", "absent"]


class Predicate(Fact):
    """A claim about one value of a JSON document, at a JSON Pointer."""

    path: str
    op: Comparator
    value: JsonValue = None

    def holds(self, document: JsonObject) -> bool:
        """Whether the claim is true of the document.

        A missing value satisfies only `absent`; a wrong type satisfies nothing.
        """
        try:
            found = pointer(dict(document), self.path)
        except InputError:
            return self.op == "absent"
        match self.op:
            case "exists":
                return True
            case "absent":
                return False
            case "==":
                return found == self.value and isinstance(found, bool) == isinstance(self.value, bool)
            case "!=":
                return found != self.value
            case "in":
                return isinstance(self.value, list) and found in self.value
            case "<" | "<=" | ">" | ">=":
                return _ordered(found, self.op, self.value)

    def __str__(self) -> str:
        return (
            f"{self.path} {self.op} {self.value!r}" if self.op not in ("exists", "absent") else f"{self.path} {self.op}"
        )


def _ordered(left: JsonValue, op: str, right: JsonValue) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]
    return False


class Check(Fact):
    """A read operation and what its answer must be."""

    call: Invocation
    expect: tuple[Predicate, ...]
    why: str = ""


class Observation(Fact):
    """What a probe showed when the plan was made: of a resource that the plan changes or relies on."""

    resource: ResourceId
    probe: Invocation
    state: JsonObject
    observed_at: Instant

    @property
    def exists(self) -> bool:
        """False when absence was observed."""
        return self.state.get("exists") is not False


class Retry(Fact):
    """How often a step may be tried. Only what the operation declares safe to retry is retried at all."""

    attempts: int = Field(default=1, ge=1, le=10)
    backoff_s: float = Field(default=0.5, ge=0, le=300)


class Threshold(Fact):
    """The signal of the selected thing against a fixed bound."""

    kind: Literal["threshold"] = "threshold"
    op: Literal[">", ">=", "<", "<="]
    value: float
    """In the unit of the signal: ratios 0 to 1, seconds, counts."""


class Comparison(Fact):
    """The signal of a new version against a baseline that runs at the same time."""

    kind: Literal["comparison"] = "comparison"
    baseline: Selector
    worse: Literal["higher", "lower"] = "higher"
    ratio: float = Field(default=1.5, gt=1)
    """Smallest effect that matters: canary / baseline."""


class Condition(Fact):
    """A watched predicate with a reaction. The predicate names what is BAD: when it holds, the reaction happens."""

    id: ConditionId
    signal: SignalName
    selector: Selector
    test: Threshold | Comparison = Field(discriminator="kind")
    window_s: float = Field(default=300.0, gt=0)
    """How far back each evaluation looks."""
    point_s: float = Field(default=5.0, gt=0)
    """Length of one point: requests are pooled into windows of this length."""
    min_points: int = Field(default=50, ge=1)
    """Fewer points than this are inconclusive. Source: Kayenta's advice of 50."""
    reaction: Literal["rollback", "pause"] = "rollback"
    text: str = ""
    """The words that it was parsed from."""


class Hold(Fact):
    """The gate behind a step: dependents start only when every named condition has a verdict of pass."""

    conditions: tuple[ConditionId, ...]
    for_s: float = Field(gt=0)
    """Watch at least this long."""
    max_s: float = Field(gt=0)
    """Still inconclusive after this: pause the run."""


class Step(Fact):
    """One call of an operation, with all that is needed to run, check and undo it."""

    id: StepId
    phase: Slug
    operation: OperationName
    version: int = 1
    arguments: JsonObject = {}
    needs: tuple[StepId, ...] = ()
    preconditions: tuple[Check, ...] = ()
    postconditions: tuple[Check, ...] = ()
    inverse: Invocation | None = None
    """Copied from the operation with `$arg` filled in; `$before` is resolved from what is observed just before the
    call.
    """
    timeout_s: float = Field(default=30.0, gt=0, le=86_400)
    retry: Retry = Retry()
    hold: Hold | None = None
    why: str = ""


class Budget(Fact):
    """Upper bounds of one run. Undo has its own reserve, so that it never fails for want of budget."""

    calls: int = Field(default=2_000, ge=1)
    seconds: float = Field(default=3_600.0, gt=0)
    tokens: int = Field(default=200_000, ge=0)
    money_usd: float = Field(default=1.0, ge=0)
    undo_calls: int = Field(default=500, ge=1)


class Assumption(Fact):
    """A value that nobody gave: a named default that the card shows as such."""

    name: str
    value: JsonValue
    why: str


class Choice(Fact):
    """A method that the planner took or turned down, and why."""

    task: str
    method: str
    taken: bool
    why: str


class Provenance(Fact):
    """Who made the plan. Policy may be stricter with some."""

    planner: Literal["htn", "model", "file"]
    model: str | None = None
    choices: tuple[Choice, ...] = ()
    made_at: Instant


class Plan(Fact):
    """A DAG of steps in phases. Its digest is what is approved."""

    schema_version: Literal[1] = 1
    goal: str
    scenario_id: ScenarioId | None = None
    environment: Environment
    parameters: JsonObject = {}
    assumptions: tuple[Assumption, ...] = ()
    phases: tuple[Slug, ...] = PHASES
    steps: tuple[Step, ...]
    conditions: tuple[Condition, ...] = ()
    invariants: tuple[Check, ...] = ()
    """Must hold before the first step, after the last, and after an undo."""
    observations: tuple[Observation, ...] = ()
    budget: Budget = Budget()
    provenance: Provenance

    def digest(self) -> Digest:
        """SHA-256 over everything in the plan, observations and operation versions included."""
        return digest(self)

    def step(self, step_id: StepId) -> Step:
        """The step of that id. Raises InputError when there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise InputError(f"the plan has no step {step_id!r}; it has {', '.join(s.id for s in self.steps)}")

    def observation(self, resource: ResourceId) -> Observation | None:
        """What was seen of a resource when the plan was made."""
        return next((seen for seen in self.observations if seen.resource == resource), None)


class Problem(Fact):
    """One defect of a plan: where, what, and what to do about it."""

    path: str
    """JSON Pointer into the plan."""
    code: str
    """Stable name of the kind of defect, for example `cycle`."""
    reason: str
    remedy: str
