"""Whether an approval that is presented allows exactly this, by whom it should, now."""

from __future__ import annotations

from dataclasses import dataclass, field

from steersman.domain.approval import Approval
from steersman.domain.environment import Environment
from steersman.domain.errors import ApprovalNeededError, ApprovalRefusedError
from steersman.domain.fact import Digest, Fact, digest
from steersman.domain.ids import ApprovalId, PrincipalId, RunId
from steersman.domain.policy import Requirement
from steersman.gate.admission import identity
from steersman.gate.guard import Directory, Rules
from steersman.journal import approvals
from steersman.journal.keyring import Keyring
from steersman.journal.port import Approvals

REMEMBERED = 1_024


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the approval must be of, and what it must satisfy as policy stands now."""

    subject: Digest
    run_id: RunId
    environment: Environment
    requester: PrincipalId
    requirement: Requirement
    claimed_by: str


@dataclass(frozen=True, slots=True)
class Consent:
    """Verifies approvals; knows the keys, the rules, and who has which roles now."""

    store: Approvals
    keyring: Keyring
    rules: Rules
    directory: Directory
    _verified: dict[ApprovalId, tuple[Fact, ...]] = field(default_factory=dict)
    """Requests with their votes whose signatures were found right: verified once for the same content."""

    async def verify(self, approval_id: ApprovalId, wanted: Wanted) -> Approval:
        """Raises ApprovalRefusedError when it does not allow this, ApprovalNeededError while it is open."""
        approval = await self.store.approval(approval_id)
        _must_be_of(approval, wanted)
        _must_stand(approval, wanted)
        self._must_suffice(approval, wanted.requirement)
        return approval

    def _must_suffice(self, approval: Approval, requirement: Requirement) -> None:
        """Signatures, and rights as they are now: a right that was taken away since counts no more."""
        self._must_be_signed(approval)
        valid = set()
        for vote in approval.votes:
            person = self.directory(vote.approver.id)
            counts = person is not None and self.rules.may_approve(person, requirement, approval.request.requester)
            if vote.answer == "approve" and counts:
                valid.add(vote.approver.id)
        if len(valid) < requirement.count:
            raise ApprovalRefusedError(
                f"approval {approval.request.id!r}: {len(valid)} of {requirement.count} approvals count as policy and "
                f"roles are now (any of {', '.join(sorted(requirement.roles))}"
                + (", not the requester)" if requirement.not_requester else ")")
            )

    def _must_be_signed(self, approval: Approval) -> None:
        content: tuple[Fact, ...] = (approval.request, *approval.votes)
        if self._verified.get(approval.request.id) == content:
            return
        for vote in approval.votes:
            approvals.verify(self.keyring, approval.request, vote)
        if len(self._verified) >= REMEMBERED:
            self._verified.clear()
        self._verified[approval.request.id] = content


def _must_be_of(approval: Approval, wanted: Wanted) -> None:
    request, name = approval.request, approval.request.id
    if request.subject != wanted.subject:
        raise ApprovalRefusedError(f"approval {name!r} is of something else: what was approved was changed since")
    if request.run_id != wanted.run_id:
        raise ApprovalRefusedError(f"approval {name!r} belongs to run {request.run_id!r}")
    if request.environment != environment_digest(wanted.environment):
        raise ApprovalRefusedError(f"approval {name!r} is for another environment than {wanted.environment}")
    if request.requester != wanted.requester:
        raise ApprovalRefusedError(
            f"approval {name!r} was asked for by {request.requester!r}, not {wanted.requester!r}"
        )


def _must_stand(approval: Approval, wanted: Wanted) -> None:
    name = approval.request.id
    match approval.state:
        case "approved":
            return
        case "claimed" if approval.claimed_by == wanted.claimed_by:
            return
        case "claimed":
            raise ApprovalRefusedError(f"approval {name!r} was used already, by {approval.claimed_by!r}")
        case "open":
            raise ApprovalNeededError(f"approval {name!r} has not enough answers yet", approval_id=name)
        case "rejected" | "changes_requested":
            said = "; ".join(vote.comment for vote in approval.votes if vote.comment)
            raise ApprovalRefusedError(f"approval {name!r}: {approval.state}" + (f": {said}" if said else ""))
        case "expired":
            raise ApprovalRefusedError(f"approval {name!r} expired; silence is not consent: ask again")


def environment_digest(environment: Environment) -> Digest:
    """What an approval says of the environment: its identity, not its address."""
    return digest(list(identity(environment)))
