"""The approval guard: before each call that needs it, whether what was approved is what is about to happen."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from steersman.domain.approval import Approval, ApprovalRequest
from steersman.domain.call import Call
from steersman.domain.errors import ApprovalNeededError, ApprovalRefusedError
from steersman.domain.fact import Digest
from steersman.domain.ids import ApprovalId
from steersman.domain.plan import Plan
from steersman.domain.policy import PolicyDecision, Requirement
from steersman.domain.ports import Clock
from steersman.gate.binding import (
    Declared,
    OutOfBoundsError,
    bound_plan,
    must_be_going_on,
    must_be_the_inverse,
    must_be_the_step,
)
from steersman.gate.consent import Consent, Wanted, environment_digest
from steersman.gate.guard import subject_of
from steersman.gate.history import History
from steersman.gate.passage import Passage
from steersman.gate.redaction import Redactor
from steersman.journal.port import Approvals, Claim


@dataclass(frozen=True, slots=True)
class Asked:
    """What is needed to ask people."""

    store: Approvals
    clock: Clock
    ttl: timedelta
    redactor: Redactor

    async def ask(
        self, call: Call, subject: Digest, decision: PolicyDecision, *, summary: str, plan: bool
    ) -> ApprovalId:
        """The id of the open request for this, filed when there is none yet."""
        now = self.clock.now()
        request = ApprovalRequest(
            id=ApprovalId(f"ap-{secrets.token_hex(16)}"),
            subject=subject,
            scope="plan" if plan else "step",
            run_id=call.run_id,
            step_id=None if plan else call.step_id,
            environment=environment_digest(call.environment),
            requester=call.principal.id,
            requirement=decision.requirement or Requirement(),
            policy_digest=decision.policy_digest,
            summary=self.redactor.text(summary),
            requested_at=now,
            expires_at=now + self.ttl,
        )
        return (await self.store.ask(request)).request.id


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan's step must be the journaled plan's, an undo its declared inverse, both under the plan's approval.

    Everything else that needs an approval needs one of its own, bound to the digest of the call.
    """

    consent: Consent
    asked: Asked
    declared: Declared
    """The inverse that a registered operation declares."""

    async def __call__(self, passage: Passage) -> Passage:
        """Raises ApprovalNeededError with the id of the request, or ApprovalRefusedError."""
        if not passage.writes and _decided(passage).effect == "allow":
            return passage
        match passage.call.route:
            case "plan":
                return await self._of_plan(passage)
            case "undo":
                return self._of_inverse(passage)
            case _:
                return await self._of_call(passage)

    async def _of_plan(self, passage: Passage) -> Passage:
        call, decision, history = passage.call, _decided(passage), _history(passage)
        plan, subject = bound_plan(call, history)
        must_be_going_on(call, history)
        try:
            must_be_the_step(call, history, version=passage.operation.version)
        except OutOfBoundsError as e:
            return await self._of_call(passage, why=str(e))
        if decision.effect == "allow":
            return passage
        approval_id = call.grant.approval_id if call.grant else None
        if approval_id is None:
            raise ApprovalRefusedError(
                f"step {call.step_id!r} needs an approval now, and its plan was granted without one"
            )
        wanted = Wanted(
            subject=subject,
            run_id=call.run_id,
            environment=plan.environment,
            requester=history.requester.id if history.requester else call.principal.id,
            requirement=decision.requirement or Requirement(),
            claimed_by=call.run_id,
        )
        self._must_be_in_time(await self.consent.verify(approval_id, wanted), plan)
        return replace(passage, claim=Claim(approval_id=approval_id, subject=subject, claimed_by=call.run_id))

    def _must_be_in_time(self, approval: Approval, plan: Plan) -> None:
        """A claimed approval lasts for the run that claimed it, and that has a budget of seconds: not for ever."""
        if approval.claimed_at is None:
            return
        until = max(approval.request.expires_at, approval.claimed_at + timedelta(seconds=plan.budget.seconds))
        if self.asked.clock.now() > until:
            raise ApprovalRefusedError(
                f"approval {approval.request.id!r} expired at {until.isoformat(timespec='seconds')}: the run took "
                f"longer than the {plan.budget.seconds:.0f} s that its plan asked for; plan again"
            )

    def _of_inverse(self, passage: Passage) -> Passage:
        """The approval of a plan is that of its inverses, expired or not: an undo must never wait for a person."""
        history = _history(passage)
        bound_plan(passage.call, history)
        must_be_the_inverse(passage.call, history, self.declared)
        return passage

    async def _of_call(self, passage: Passage, *, why: str = "") -> Passage:
        call, decision = passage.call, _decided(passage)
        if decision.effect == "allow" and not why:
            return passage
        subject = subject_of(call, passage.operation)
        approval_id = call.step_approval or await self._known(passage, subject)
        if approval_id is None:
            summary = f"{call.operation} on {passage.resource}" + (f": {why}" if why else "")
            approval_id = await self.asked.ask(call, subject, decision, summary=summary, plan=False)
        wanted = Wanted(
            subject=subject,
            run_id=call.run_id,
            environment=call.environment,
            requester=call.principal.id,
            requirement=decision.requirement or Requirement(),
            claimed_by=f"{call.run_id}/{call.step_id}",
        )
        await self._verify(approval_id, wanted, what=f"{call.operation!r} on {passage.resource!r}")
        return replace(passage, claim=Claim(approval_id=approval_id, subject=subject, claimed_by=wanted.claimed_by))

    async def _known(self, passage: Passage, subject: Digest) -> ApprovalId | None:
        """What was asked for this call before: a no is not asked again, one that ran out is."""
        known = passage.history.asked.get(subject) if passage.history else None
        expired = known is not None and (await self.consent.store.approval(known)).state == "expired"
        return None if expired else known

    async def _verify(self, approval_id: ApprovalId, wanted: Wanted, *, what: str) -> None:
        try:
            await self.consent.verify(approval_id, wanted)
        except ApprovalNeededError:
            message = f"{what} waits for approval {approval_id!r}: `steer approve {approval_id}`"
            raise ApprovalNeededError(message, approval_id=approval_id) from None


def _decided(passage: Passage) -> PolicyDecision:
    if passage.decision is None:
        raise ApprovalRefusedError("no policy decision was made: the gate's chain is broken")
    return passage.decision


def _history(passage: Passage) -> History:
    if passage.history is None:
        raise ApprovalRefusedError("nobody read the run's journal: the gate's chain is broken")
    return passage.history
