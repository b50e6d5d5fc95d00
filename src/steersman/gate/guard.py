"""The policy's question and answer for one call; the question is made by code from what is registered and known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from steersman.domain.call import Call
from steersman.domain.environment import Environment, Principal
from steersman.domain.errors import PolicyDeniedError
from steersman.domain.event import Decided
from steersman.domain.fact import Digest, digest
from steersman.domain.ids import OperationName, PrincipalId, ResourceId
from steersman.domain.operation import Operation
from steersman.domain.policy import Mode, PlannerKind, PolicyDecision, PolicyRequest, Requirement, Route
from steersman.domain.ports import Clock
from steersman.gate.critic import Second
from steersman.gate.passage import Passage

REMEMBERED = 4_096

Directory = Callable[[PrincipalId], Principal | None]
"""A principal with the roles that configuration gives now; None for somebody unknown."""


class Rules(Protocol):
    """The policy engine, as far as the gate asks it."""

    @property
    def digest(self) -> Digest:
        """Of all rules: another one means that decisions may differ."""
        ...

    def decide(self, request: PolicyRequest) -> PolicyDecision:
        """Allow, require approval, or deny."""
        ...

    def may_approve(self, approver: Principal, requirement: Requirement, requester: PrincipalId) -> bool:
        """Whether this person's approval counts now."""
        ...

    def is_protected(self, resource: ResourceId, operation: OperationName) -> bool:
        """Whether the target lies in the protected set."""
        ...

    def is_frozen(self, at: datetime, environment: Environment) -> bool:
        """Whether a freeze window is open."""
        ...


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, where, by which way, with a plan made by whom."""

    principal: Principal
    environment: Environment
    route: Route
    planner: PlannerKind


@dataclass(frozen=True, slots=True)
class Policed:
    """Asks the policy, notes its decisions about writes and its denials, refuses what it denies."""

    rules: Rules
    mode: Mode
    directory: Directory
    clock: Clock
    second: Second = field(default_factory=Second)
    _protected: dict[tuple[ResourceId, OperationName], bool] = field(default_factory=dict)
    """The protected set cannot change while the rules stand, and each call asks for it."""

    async def __call__(self, passage: Passage) -> Passage:
        """Raises PolicyDeniedError."""
        call = passage.call
        request = self._request(passage)
        decision = await self._twice(passage, request, self.rules.decide(request))
        if passage.writes or decision.effect != "allow":
            passage.notes.append(
                Decided(
                    operation=call.operation,
                    resource=passage.resource,
                    route=call.route,
                    principal=call.principal,
                    decision=decision,
                )
            )
        if decision.effect == "deny":
            raise PolicyDeniedError(f"{call.operation!r} on {passage.resource!r}: {decision.reason} ({decision.rule})")
        return replace(passage, decision=decision)

    async def _twice(self, passage: Passage, request: PolicyRequest, decision: PolicyDecision) -> PolicyDecision:
        """The decision after the critic's opinion on a change; an undo is put to nobody, and reads neither."""
        call, plan = passage.call, passage.history.plan if passage.history else None
        if not passage.writes or call.direction == "undo":
            return decision
        if call.route == "plan" and plan is not None:
            return await self.second.of_plan(plan, call.run_id, decision)
        subject = subject_of(call, passage.operation)
        return await self.second.of_call(request, call.arguments, decision, subject=subject, run_id=call.run_id)

    def _request(self, passage: Passage) -> PolicyRequest:
        """Nothing of it is taken from whoever calls: roles come from configuration, the planner from the journal."""
        call, history = passage.call, passage.history
        planner: PlannerKind = "none"
        principal = call.principal
        if call.route in ("plan", "undo"):
            planner = history.plan.provenance.planner if history is not None and history.plan is not None else "model"
            principal = (history.requester if history is not None else None) or principal
        asker = Asker(principal, call.environment, call.route, planner)
        request = self.request(passage.operation, passage.resource, asker)
        return request.model_copy(update={"effect": "read"}) if call.dry_run else request

    def request(self, operation: Operation, resource: ResourceId, asker: Asker) -> PolicyRequest:
        """The question about one operation on one resource."""
        now = self.clock.now()
        claimed = asker.principal.model_copy(update={"roles": frozenset[str]()})
        return PolicyRequest(
            principal=self.directory(asker.principal.id) or claimed,
            operation=operation.name,
            toolset=operation.toolset,
            effect=operation.effect,
            access=operation.access,
            reversible=operation.reversible,
            blast_radius=operation.blast_radius,
            resource=resource,
            environment=asker.environment,
            mode=self.mode,
            route=asker.route,
            planner=asker.planner,
            frozen=self.rules.is_frozen(now, asker.environment),
            protected=self._is_protected(resource, operation.name),
            at=now,
        )

    def _is_protected(self, resource: ResourceId, operation: OperationName) -> bool:
        known = self._protected.get((resource, operation))
        if known is None:
            if len(self._protected) >= REMEMBERED:
                self._protected.clear()
            known = self._protected[resource, operation] = self.rules.is_protected(resource, operation)
        return known


def subject_of(call: Call, operation: Operation) -> Digest:
    """What an approval of one call is of: operation, version, arguments, environment, run and step, state expected."""
    return digest(
        {
            "expects": call.expects,
            "operation": operation.name,
            "version": operation.version,
            "arguments": call.arguments,
            "environment": call.environment.model_dump(mode="json"),
            "run_id": call.run_id,
            "step_id": call.step_id,
        }
    )
