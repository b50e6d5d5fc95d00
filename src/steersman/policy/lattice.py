"""Decisions in order of strictness: allow < require approval < deny. Joining two never gives less than either."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from steersman.domain.policy import PolicyDecision, Requirement

STRICTNESS = {"allow": 0, "require_approval": 1, "deny": 2}


def is_at_least(decision: PolicyDecision, other: PolicyDecision) -> bool:
    """Whether a decision lets through nothing that the other one stops."""
    if STRICTNESS[decision.effect] != STRICTNESS[other.effect]:
        return STRICTNESS[decision.effect] > STRICTNESS[other.effect]
    return decision.effect != "require_approval" or _demands(decision.requirement, other.requirement)


def stricter(policy: PolicyDecision, opinion: PolicyDecision) -> PolicyDecision:
    """The stricter of both; two demands for approval become one that satisfies both. The policy's words win a tie.

    Roles that may approve are those of both; where they exclude each other nobody can approve, which is a denial.
    """
    if STRICTNESS[policy.effect] != STRICTNESS[opinion.effect]:
        return max(policy, opinion, key=lambda decision: STRICTNESS[decision.effect])
    if policy.effect != "require_approval":
        return policy
    first, second = policy.requirement or Requirement(), opinion.requirement or Requirement()
    roles = first.roles & second.roles
    if not roles:
        return policy.model_copy(
            update={"effect": "deny", "requirement": None, "reason": "approvals by roles that exclude each other"}
        )
    both = Requirement(
        count=max(first.count, second.count), roles=roles, not_requester=first.not_requester or second.not_requester
    )
    return policy.model_copy(update={"requirement": both})


def strictest(decisions: Iterable[PolicyDecision]) -> PolicyDecision:
    """The join of one or more. Raises TypeError for none: nothing decides nothing."""
    return reduce(stricter, decisions)


def _demands(left: Requirement | None, right: Requirement | None) -> bool:
    left, right = left or Requirement(), right or Requirement()
    return left.count >= right.count and left.roles <= right.roles and left.not_requester >= right.not_requester
