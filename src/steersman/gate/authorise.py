"""The authority for a whole plan: asked once before its first effect, verified again at each of them."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.approval import Approval
from steersman.domain.call import Call, Grant
from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalNeededError, ApprovalRefusedError, InputError, PolicyDeniedError
from steersman.domain.event import Decided
from steersman.domain.ids import ApprovalId, ResourceId, RunId
from steersman.domain.plan import Plan, Step
from steersman.domain.policy import PolicyDecision, Requirement
from steersman.gate.admission import Registry
from steersman.gate.approval import Asked
from steersman.gate.consent import Consent, Wanted
from steersman.gate.guard import Asker, Policed
from steersman.journal.port import Entries


@dataclass(frozen=True, slots=True)
class Authority:
    """Decides whether a plan may be run, and by whose approval."""

    registry: Registry
    policed: Policed
    consent: Consent
    asked: Asked
    entries: Entries

    def decisions(self, plan: Plan, requester: Principal) -> list[tuple[Step, ResourceId, PolicyDecision]]:
        """What the policy says of each write of the plan. Raises InputError for an unknown operation."""
        asker = Asker(requester, plan.environment, "plan", plan.provenance.planner)
        found = []
        for step in plan.steps:
            operation = self.registry.find(step.operation).binding.operation
            if operation.effect == "read":
                continue
            try:
                resource = operation.target(step.arguments)
            except KeyError:  # known only when a former step has answered: asked again at the call
                resource = ResourceId(operation.resource)
            request = self.policed.request(operation, resource, asker)
            found.append((step, resource, self.policed.rules.decide(request)))
        return found

    async def authorise(self, plan: Plan, run_id: RunId, requester: Principal) -> Grant:
        """The grant under which the plan's calls are made.

        Raises PolicyDeniedError naming step and rule, ApprovalNeededError while people are asked, ApprovalRefusedError
        when they said no or the approval does not hold.
        """
        decisions = self.decisions(plan, requester)
        denied = next(((step, decision) for step, _, decision in decisions if decision.effect == "deny"), None)
        if denied is not None:
            step, decision = denied
            await self._note(step, run_id, requester=requester, decision=decision)
            raise PolicyDeniedError(f"step {step.id!r} ({step.operation}): {decision.reason} ({decision.rule})")
        strictest = _strictest([decision for _, _, decision in decisions])
        approval_id = None
        if strictest is not None:
            approval_id = await self._approved(plan, run_id, requester, decision=strictest)
        return Grant(
            run_id=run_id,
            plan_digest=plan.digest(),
            approval_id=approval_id,
            requester=requester,
            planner=plan.provenance.planner,
        )

    async def _approved(
        self, plan: Plan, run_id: RunId, requester: Principal, *, decision: PolicyDecision
    ) -> ApprovalId:
        requirement = decision.requirement or Requirement()
        wanted = Wanted(plan.digest(), run_id, plan.environment, requirement, claimed_by=run_id)
        earlier = await self._latest(run_id, wanted)
        if earlier is None:
            call = _about(plan, run_id, requester)
            earlier = await self.asked.ask(call, wanted.subject, decision, summary=plan.goal, plan=True)
        try:
            await self.consent.verify(earlier, wanted)
        except ApprovalNeededError:
            who = f"{requirement.count} of {', '.join(sorted(requirement.roles))}"
            others = ", not by who asked" if requirement.not_requester else ""
            message = f"the plan waits for approval {earlier!r} by {who}{others}: `steer approve {earlier}`"
            raise ApprovalNeededError(message, approval_id=earlier) from None
        return earlier

    async def _latest(self, run_id: RunId, wanted: Wanted) -> ApprovalId | None:
        """The newest request of this run for this plan, whatever was answered: a no is not asked again."""
        known = [each for each in await self.consent.store.approvals(open_only=False) if _is_of(each, run_id, wanted)]
        return known[0].request.id if known else None

    async def _note(self, step: Step, run_id: RunId, *, requester: Principal, decision: PolicyDecision) -> None:
        decided = Decided(
            operation=step.operation,
            resource=ResourceId(step.id),
            route="plan",
            principal=requester,
            decision=decision,
        )
        await self.entries.append(run_id, decided)


def _is_of(approval: Approval, run_id: RunId, wanted: Wanted) -> bool:
    request = approval.request
    return request.run_id == run_id and request.scope == "plan" and request.subject == wanted.subject


def _strictest(decisions: list[PolicyDecision]) -> PolicyDecision | None:
    """All demands of the plan's steps at once. Raises ApprovalRefusedError when no person could satisfy them."""
    demands = [each for each in decisions if each.requirement is not None]
    if not demands:
        return None
    wanted = [each.requirement for each in demands if each.requirement is not None]
    roles = frozenset.intersection(*(each.roles for each in wanted))
    if not roles:
        raise ApprovalRefusedError("the plan's steps need approvals by roles that exclude each other; split the plan")
    top = max(demands, key=_demand)
    merged = Requirement(
        count=max(each.count for each in wanted), roles=roles, not_requester=any(each.not_requester for each in wanted)
    )
    return top.model_copy(update={"requirement": merged})


def _demand(decision: PolicyDecision) -> tuple[int, bool]:
    wanted = decision.requirement
    return (wanted.count, wanted.not_requester) if wanted else (0, False)


def _about(plan: Plan, run_id: RunId, requester: Principal) -> Call:
    if not plan.steps:
        raise InputError("the plan has no steps: there is nothing to approve")
    return Call(
        operation=plan.steps[0].operation,
        environment=plan.environment,
        principal=requester,
        route="plan",
        run_id=run_id,
        step_id=plan.steps[0].id,
    )
