"""Approvals: of the exact thing, by the right person, for a while, once."""

from __future__ import annotations

from typing import Literal

from steersman.domain.environment import Principal
from steersman.domain.fact import Digest, Fact, Instant
from steersman.domain.ids import ApprovalId, PrincipalId, RunId, StepId
from steersman.domain.policy import Requirement

Answer = Literal["approve", "reject", "request_changes"]


class ApprovalRequest(Fact):
    """What is asked. `subject` binds plan or step, arguments, operation versions, observations."""

    id: ApprovalId
    """128 random bits: cannot be guessed."""
    subject: Digest
    scope: Literal["plan", "step"]
    run_id: RunId
    step_id: StepId | None = None
    environment: Digest
    requester: PrincipalId
    requirement: Requirement
    policy_digest: Digest
    summary: str
    requested_at: Instant
    expires_at: Instant


class Vote(Fact):
    """One person's signed answer."""

    approval_id: ApprovalId
    approver: Principal
    answer: Answer
    comment: str = ""
    at: Instant
    key_id: str
    signature: str
    """HMAC-SHA256, hex, over the canonical request and this vote without the signature."""


ApprovalState = Literal["open", "approved", "rejected", "changes_requested", "claimed", "expired"]


class Approval(Fact):
    """A request with its votes and, once used, who claimed it."""

    request: ApprovalRequest
    votes: tuple[Vote, ...] = ()
    state: ApprovalState
    claimed_by: str | None = None
    """`run_id` for a plan, `run_id/step_id` for a step."""
    claimed_at: Instant | None = None
