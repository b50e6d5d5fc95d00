"""The authority for a whole plan: asked once before its first effect, verified again at each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from steersman.domain.call import Call, Grant
from steersman.domain.environment import Principal
from steersman.domain.errors import (
    ApprovalNeededError,
    ApprovalRefusedError,
    GuardrailError,
    InputError,
    PolicyDeniedError,
    SteersmanError,
)
from steersman.domain.event import Decided, Event
from steersman.domain.ids import ApprovalId, ResourceId, RunId
from steersman.domain.plan import Plan, Step
from steersman.domain.policy import PolicyDecision, Requirement
from steersman.gate.admission import Registry
from steersman.gate.approval import Asked
from steersman.gate.consent import Consent, Wanted
from steersman.gate.guard import Asker, Policed
from steersman.gate.history import Histories, History
from steersman.gate.passage import denial, refusal
from steersman.gate.redaction import Redactor
from steersman.journal.port import Entries


class StepDecision(NamedTuple):
    """What the policy says of one step."""

    step: Step
    resource: ResourceId
    decision: PolicyDecision


@dataclass(frozen=True, slots=True)
class Authority:
    """Decides whether a plan may be run, and by whose approval."""

    registry: Registry
    policed: Policed
    consent: Consent
    asked: Asked
    entries: Entries
    histories: Histories
    redactor: Redactor

    def decisions(self, plan: Plan, requester: Principal) -> list[StepDecision]:
        """What the policy says of each write of the plan, and of reads that it does not just allow.

        Raises InputError for an unknown operation.
        """
        asker = Asker(requester, plan.environment, "plan", plan.provenance.planner)
        found = []
        for step in plan.steps:
            operation = self.registry.find(step.operation).binding.operation
            try:
                resource = operation.target(step.arguments)
            except KeyError:  # known only when a former step has answered: asked again at the call
                resource = ResourceId(operation.resource)
            decision = self.policed.rules.decide(self.policed.request(operation, resource, asker))
            if operation.effect != "read" or decision.effect != "allow":
                found.append(StepDecision(step, resource, decision))
        return found

    async def authorise(self, plan: Plan, run_id: RunId, requester: Principal) -> Grant:
        """The grant under which the plan's calls are made.

        Raises PolicyDeniedError naming step and rule, ApprovalNeededError while people are asked, ApprovalRefusedError
        when they said no or the approval does not hold. Refusals are journaled, and any error in here is one.
        """
        notes: list[Event] = []
        try:
            return await self._authorise(plan, run_id, requester, notes=notes)
        except ApprovalNeededError:
            raise
        except GuardrailError as e:
            notes.append(self._refused(plan, run_id, requester, error=e))
            raise
        except SteersmanError:
            raise
        except Exception as e:
            denied = denial("authority", e)
            notes.append(self._refused(plan, run_id, requester, error=denied))
            raise denied from e
        finally:
            if notes:
                await self.entries.append(run_id, *notes)

    async def _authorise(self, plan: Plan, run_id: RunId, requester: Principal, *, notes: list[Event]) -> Grant:
        history = await self.histories.of(run_id)
        _must_be_journaled(plan, run_id, requester, history=history)
        decisions = self.decisions(plan, requester)
        denied = next((found for found in decisions if found.decision.effect == "deny"), None)
        if denied is not None:
            step, decision = denied.step, denied.decision
            notes.append(self._decided(denied, requester))
            raise PolicyDeniedError(f"step {step.id!r} ({step.operation}): {decision.reason} ({decision.rule})")
        strictest = _strictest([found.decision for found in decisions])
        first = next((found for found in decisions if self.registry.find(found.step.operation).writes), None)
        if first is not None:
            after = await self.policed.second.of_plan(plan, run_id, strictest or first.decision)
            if after.effect == "deny":
                notes.append(self._decided(first._replace(decision=after), requester))
                raise PolicyDeniedError(f"the plan: {after.reason} ({after.rule})")
            strictest = after if after.effect == "require_approval" else strictest
        approval_id = None
        if strictest is not None:
            approval_id = await self._approved(plan, run_id, requester, decision=strictest, history=history)
        return Grant(
            run_id=run_id,
            plan_digest=plan.digest(),
            approval_id=approval_id,
            requester=requester,
            planner=plan.provenance.planner,
        )

    def _decided(self, found: StepDecision, requester: Principal) -> Event:
        resource = ResourceId(self.redactor.text(found.resource))
        operation = found.step.operation
        return Decided(
            operation=operation, resource=resource, route="plan", principal=requester, decision=found.decision
        )

    async def _approved(
        self, plan: Plan, run_id: RunId, requester: Principal, *, decision: PolicyDecision, history: History
    ) -> ApprovalId:
        requirement = decision.requirement or Requirement()
        wanted = Wanted(plan.digest(), run_id, plan.environment, requester.id, requirement, claimed_by=run_id)
        approval_id = history.asked.get(wanted.subject)  # whatever was answered: a no is not asked again
        if approval_id is None:
            call = _about(plan, run_id, requester)
            approval_id = await self.asked.ask(call, wanted.subject, decision, summary=plan.goal, plan=True)
        try:
            await self.consent.verify(approval_id, wanted)
        except ApprovalNeededError:
            who = f"{requirement.count} of {', '.join(sorted(requirement.roles))}"
            others = ", not by who asked" if requirement.not_requester else ""
            message = f"the plan waits for approval {approval_id!r} by {who}{others}: `steer approve {approval_id}`"
            raise ApprovalNeededError(message, approval_id=approval_id) from None
        return approval_id

    def _refused(self, plan: Plan, run_id: RunId, requester: Principal, *, error: GuardrailError) -> Event:
        self.redactor.scrub(error)
        about = _about(plan, run_id, requester)
        return refusal(about, error.guard or "authority", error, reason=str(error))


def _must_be_journaled(plan: Plan, run_id: RunId, requester: Principal, *, history: History) -> None:
    """A run has one plan and one requester, and the journal says which."""
    if history.plan_digest is None:
        return
    if history.plan_digest != plan.digest():
        raise ApprovalRefusedError(
            f"run {run_id!r} is of another plan than the one presented; give this one its own run"
        )
    if history.requester is not None and history.requester.id != requester.id:
        raise ApprovalRefusedError(f"run {run_id!r} was asked for by {history.requester.id!r}, not {requester.id!r}")


def _strictest(decisions: Sequence[PolicyDecision]) -> PolicyDecision | None:
    """All demands of the plan's steps at once. Raises PolicyDeniedError when no person could satisfy them."""
    demands = [each for each in decisions if each.effect == "require_approval"]
    if not demands:
        return None
    wanted = [each.requirement or Requirement() for each in demands]
    roles = frozenset.intersection(*(each.roles for each in wanted))
    if not roles:
        raise PolicyDeniedError("the plan's steps need approvals by roles that exclude each other; split the plan")
    top = max(demands, key=_demand)
    merged = Requirement(
        count=max(each.count for each in wanted), roles=roles, not_requester=any(each.not_requester for each in wanted)
    )
    return top.model_copy(update={"requirement": merged})


def _demand(decision: PolicyDecision) -> tuple[int, bool]:
    wanted = decision.requirement
    return (wanted.count, wanted.not_requester) if wanted else (0, False)


def _about(plan: Plan, run_id: RunId, requester: Principal) -> Call:
    """The call that stands for the plan in the journal's lines."""
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
