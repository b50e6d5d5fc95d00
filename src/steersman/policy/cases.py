"""The tests that policy documents carry, evaluated: `steer policy test`."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import ValidationError

from steersman.domain.errors import ConfigError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.policy import PolicyDecision, PolicyRequest
from steersman.policy.document import Case
from steersman.policy.engine import Policy

NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)


class Result(Fact):
    """A case and what was decided."""

    case: Case
    decision: PolicyDecision

    @property
    def passed(self) -> bool:
        """Whether it is what the case expects."""
        return self.decision.effect == self.case.expect


def run_tests(policy: Policy) -> tuple[Result, ...]:
    """Every case of every document. Raises ConfigError for a malformed one."""
    return tuple(Result(case=case, decision=policy.decide(request_of(policy, case))) for case in policy.tests)


def request_of(policy: Policy, case: Case) -> PolicyRequest:
    """The case's request, the rest from an ordinary one: a reversible write to a lab service, by a plan, in review."""
    given = dict(case.request)
    tier = given.pop("tier", "lab")
    roles = given.pop("roles", ["operator"])
    kind = given.pop("principal_kind", "human")
    base: JsonObject = {
        "principal": {"id": "sample", "kind": kind, "roles": roles},
        "operation": "sample.change",
        "toolset": "sample",
        "effect": "write",
        "access": "update",
        "reversible": True,
        "blast_radius": "service",
        "resource": "sample/service",
        "environment": {"kind": "sample", "name": "sample", "uid": "sample", "url": "", "tier": tier},
        "mode": "review",
        "route": "plan",
        "planner": "htn",
        "frozen": False,
        "protected": False,
        "at": NOON.isoformat(),
    }
    try:
        request = PolicyRequest.model_validate({**base, **given})
    except ValidationError as e:
        raise ConfigError(f"policy test {case.name!r}: {e.errors()[0]['loc']}: {e.errors()[0]['msg']}") from e
    protected = request.protected or policy.is_protected(request.resource, request.operation)
    frozen = request.frozen or policy.is_frozen(request.at, request.environment)
    return request.model_copy(update={"protected": protected, "frozen": frozen})
