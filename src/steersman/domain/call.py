"""One invocation of an operation, on its way through the gate, and what became of it."""

from __future__ import annotations

from typing import Literal

from steersman.domain.environment import Environment, Principal
from steersman.domain.fact import Digest, Fact, Instant, JsonObject
from steersman.domain.ids import ApprovalId, OperationName, RunId, StepId
from steersman.domain.plan import Budget, Retry
from steersman.domain.policy import PlannerKind, Route

Direction = Literal["do", "undo"]


class Grant(Fact):
    """The authority under which a plan's calls are made: the approved plan, by digest."""

    run_id: RunId
    plan_digest: Digest
    approval_id: ApprovalId | None = None
    """None when policy allowed the plan without approval."""
    requester: Principal
    planner: PlannerKind


class Call(Fact):
    """Resolved arguments and everything a guard needs to decide."""

    operation: OperationName
    version: int | None = None
    """The version that was planned; another registered one is refused."""
    arguments: JsonObject = {}
    environment: Environment
    principal: Principal
    route: Route
    run_id: RunId
    """Calls outside of a plan get a run of their own."""
    step_id: StepId
    """Calls outside of a plan's steps get a generated one."""
    direction: Direction = "do"
    grant: Grant | None = None
    step_approval: ApprovalId | None = None
    expects: JsonObject | None = None
    """The state that the probe must show before a write; another one is drift."""
    restores: JsonObject | None = None
    """For an inverse: the state from before. Seen after a lost answer, it settles the call where `after` cannot."""
    timeout_s: float | None = None
    retry: Retry = Retry()
    budget: Budget | None = None
    dry_run: bool = False

    @property
    def key(self) -> str:
        """Idempotency key: the same for each attempt of one step in one direction of one run."""
        return f"{self.run_id}/{self.step_id}/{self.direction}"


class Outcome(Fact):
    """What a call that was let through and succeeded gave back. Refusals and failures are errors."""

    output: JsonObject
    before: JsonObject | None = None
    """What the probe showed before a write."""
    after: JsonObject | None = None
    attempts: int = 1
    settled: Literal["answered", "probed", "earlier"] = "answered"
    """`probed`: no answer came, and read-back showed that it had happened; `earlier`: the journal had it already."""
    started_at: Instant
    finished_at: Instant
