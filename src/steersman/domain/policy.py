"""The question to the policy engine and its answer."""

from __future__ import annotations

from typing import Literal

from steersman.domain.environment import Environment, Principal
from steersman.domain.fact import Digest, Fact, Instant
from steersman.domain.ids import OperationName, ResourceId, RuleId
from steersman.domain.operation import Access, BlastRadius, Effect

Mode = Literal["read-only", "suggest", "review", "autonomous"]
"""read-only: no write is planned or done; suggest: plans, no writes; review: writes after approval; autonomous:
policy may allow writes alone.
"""

Route = Literal["plan", "undo", "agent", "cli", "mcp", "openapi", "healing", "engine"]
"""Where a call comes from. `engine` is the engine's own reads: probes, checks, conditions."""

PlannerKind = Literal["htn", "model", "file", "none"]


class PolicyRequest(Fact):
    """Everything that a rule may read; every field always has a value, so that no rule is skipped for want of one."""

    principal: Principal
    operation: OperationName
    toolset: str
    effect: Effect
    reversible: bool
    blast_radius: BlastRadius
    resource: ResourceId
    environment: Environment
    mode: Mode
    route: Route
    planner: PlannerKind
    frozen: bool
    """Whether a freeze window is open now."""
    protected: bool
    """Whether the resource lies in the protected set."""
    at: Instant
    access: Access = "update"


class Requirement(Fact):
    """Whose approval is needed."""

    count: int = 1
    roles: frozenset[str] = frozenset({"approver"})
    """Any of these."""
    not_requester: bool = False


class PolicyDecision(Fact):
    """Allow, require approval, or deny; with the rule that decided."""

    effect: Literal["allow", "require_approval", "deny"]
    rule: RuleId
    reason: str
    requirement: Requirement | None = None
    policy_digest: Digest


OpinionWord = Literal["same", "require_approval", "deny"]
"""All that a second opinion can say: none of it makes a decision milder."""


class Opinion(Fact):
    """A second opinion on a decision."""

    word: OpinionWord
    reason: str = ""
    """A model's words: untrusted."""
