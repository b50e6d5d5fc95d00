"""What the journal holds: facts about a run, in order. A run is a fold over them (`domain/run.py`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from steersman.domain.call import Direction
from steersman.domain.environment import Principal
from steersman.domain.fact import Digest, Fact, Instant, JsonObject
from steersman.domain.finding import Finding, Verdict
from steersman.domain.ids import ApprovalId, OperationName, ResourceId, RunId, StepId
from steersman.domain.plan import Plan
from steersman.domain.policy import PolicyDecision, Route

RunState = Literal[
    "planned",
    "waiting",
    "running",
    "paused",
    "undoing",
    "done",
    "failed",
    "rolled_back",
    "partial_undo",
    "refused",
    "cancelled",
    "needs_human",
]
"""waiting: for approval; paused: inconclusive; needs_human: an outcome that cannot be settled by code."""

FINAL: frozenset[RunState] = frozenset({"done", "failed", "rolled_back", "partial_undo", "refused", "cancelled"})

StepState = Literal["pending", "running", "holding", "done", "failed", "unknown", "skipped", "conflict"]
"""holding: the call is done, its hold is being watched; unknown: intent without outcome; conflict: undo found
another's change.
"""


class RunPlanned(Fact):
    """The first entry of every run."""

    kind: Literal["run_planned"] = "run_planned"
    plan: Plan
    requester: Principal


class RunMoved(Fact):
    """The run is in another state."""

    kind: Literal["run_moved"] = "run_moved"
    state: RunState
    reason: str = ""


class CallIntended(Fact):
    """Durable before a write is sent. Arguments are redacted."""

    kind: Literal["call_intended"] = "call_intended"
    step_id: StepId
    direction: Direction
    attempt: int = Field(ge=1)
    operation: OperationName
    version: int
    resource: ResourceId
    arguments: JsonObject
    key: str
    before: JsonObject | None = None
    expected: JsonObject | None = None
    """The state that the probe must show when it has happened."""
    deadline: Instant
    """After this the call can no longer be under way by itself."""
    approval_id: ApprovalId | None = None


class CallSettled(Fact):
    """What became of a call.

    For writes it closes the intent of the same attempt; for a plan's reads it stands alone.
    """

    kind: Literal["call_settled"] = "call_settled"
    step_id: StepId
    direction: Direction
    attempt: int = Field(ge=1)
    operation: OperationName
    result: Literal["done", "failed", "unknown", "not_happened"]
    """failed: the tool said no, no effect; unknown: sent, no answer, not yet settled; not_happened: read-back
    showed no effect.
    """
    output: JsonObject = {}
    before: JsonObject | None = None
    after: JsonObject | None = None
    error: str = ""
    settled_by: Literal["answer", "probe", "human"] = "answer"
    seconds: float = 0.0


class ReadMade(Fact):
    """A read that is not a step of the plan.

    A probe, a check, a condition, an agent's query. Its answer is not kept.
    """

    kind: Literal["read_made"] = "read_made"
    operation: OperationName
    arguments: JsonObject
    route: Route
    error: str = ""
    seconds: float = 0.0


class Decided(Fact):
    """A policy decision about a write, a plan, or a refusal of any call."""

    kind: Literal["decided"] = "decided"
    operation: OperationName
    resource: ResourceId
    route: Route
    principal: Principal
    decision: PolicyDecision


class Refused(Fact):
    """A guard said no: which, and why."""

    kind: Literal["refused"] = "refused"
    operation: OperationName
    route: Route
    principal: Principal
    guard: str
    error: str
    reason: str


class ApprovalMoved(Fact):
    """An approval was asked, voted on, claimed, refused or has expired."""

    kind: Literal["approval_moved"] = "approval_moved"
    approval_id: ApprovalId
    subject: Digest
    what: Literal["asked", "approve", "reject", "request_changes", "claimed", "expired", "refused"]
    by: str
    comment: str = ""


class StepMoved(Fact):
    """The engine's view of a step: `done` only when postconditions and hold are passed as well."""

    kind: Literal["step_moved"] = "step_moved"
    step_id: StepId
    direction: Direction
    state: StepState
    reason: str = ""


class VerdictGiven(Fact):
    """A condition or check was judged."""

    kind: Literal["verdict_given"] = "verdict_given"
    verdict: Verdict


class FindingsMade(Fact):
    """What an investigation of this run found."""

    kind: Literal["findings_made"] = "findings_made"
    findings: tuple[Finding, ...]


class SwitchMoved(Fact):
    """The kill switch."""

    kind: Literal["switch_moved"] = "switch_moved"
    level: Literal["off", "stop", "hard"]
    by: str
    reason: str = ""


Event = Annotated[
    RunPlanned
    | RunMoved
    | CallIntended
    | CallSettled
    | ReadMade
    | Decided
    | Refused
    | ApprovalMoved
    | StepMoved
    | VerdictGiven
    | FindingsMade
    | SwitchMoved,
    Field(discriminator="kind"),
]


class Entry(Fact):
    """One line of the journal. `hash` covers `previous` and everything else here."""

    seq: int
    run_id: RunId
    at: Instant
    event: Event
    previous: str
    hash: str
