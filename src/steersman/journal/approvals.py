"""Approvals, decided purely: signatures over votes, and the state that follows from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from steersman.domain.approval import Answer, Approval, ApprovalRequest, ApprovalState, Vote
from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalRefusedError, IntegrityError
from steersman.domain.event import ApprovalMoved, Entry
from steersman.domain.fact import canonical
from steersman.journal.keyring import Keyring

_HEX = re.compile(r"[0-9a-f]{64}")

CLOSED: frozenset[ApprovalState] = frozenset({"rejected", "changes_requested", "claimed", "expired"})


def sign(
    keyring: Keyring,
    request: ApprovalRequest,
    *,
    approver: Principal,
    answer: Answer,
    at: datetime,
    comment: str = "",
) -> Vote:
    """A vote signed with the keyring's current key."""
    vote = Vote(
        approval_id=request.id,
        approver=approver,
        answer=answer,
        comment=comment,
        at=at,
        key_id=keyring.current,
        signature="",
    )
    return vote.model_copy(update={"signature": keyring.mac("vote", vote.key_id, _signed(request, vote))})


def verify(keyring: Keyring, request: ApprovalRequest, vote: Vote) -> None:
    """Raises ApprovalRefusedError unless the vote is on this request and was signed with a key of the ring."""
    if vote.approval_id != request.id:
        raise ApprovalRefusedError(f"the vote is on approval {vote.approval_id!r}, not on {request.id!r}")
    if vote.key_id not in keyring:
        raise ApprovalRefusedError(f"the vote is signed with the unknown key {vote.key_id!r}; vote again")
    if not _HEX.fullmatch(vote.signature):
        raise ApprovalRefusedError("the vote has no HMAC-SHA256 signature; no other algorithm is taken")
    if not keyring.verifies("vote", _signed(request, vote), f"{vote.key_id}:{vote.signature}"):
        raise ApprovalRefusedError(f"the signature of {vote.approver.id!r}'s vote is wrong: it was altered or forged")


def _signed(request: ApprovalRequest, vote: Vote) -> bytes:
    return canonical(request) + b"\n" + canonical(vote.model_copy(update={"signature": ""}))


def eligible(request: ApprovalRequest, voter: Principal) -> str:
    """Why this person may not approve the request; empty when they may."""
    wanted = request.requirement
    if voter.kind == "agent":
        return f"{voter.id!r} is an agent: agents never approve"
    if wanted.roles and not wanted.roles & voter.roles:
        return f"{voter.id!r} has none of the roles {sorted(wanted.roles)}"
    if wanted.not_requester and voter.id == request.requester:
        return f"{voter.id!r} asked for it, and another person must approve"
    return ""


def may_vote(request: ApprovalRequest, vote: Vote) -> str:
    """Why this vote does not count; empty when it does. Whoever asked may always withdraw."""
    if vote.answer != "approve" and vote.approver.id == request.requester:
        return ""
    if vote.answer != "approve":
        relaxed = request.requirement.model_copy(update={"not_requester": False})
        return eligible(request.model_copy(update={"requirement": relaxed}), vote.approver)
    return eligible(request, vote.approver)


def tally(request: ApprovalRequest, votes: Sequence[Vote]) -> ApprovalState:
    """The state that follows from the votes alone: a rejection wins, then changes, then enough distinct approvers."""
    answers = {vote.answer for vote in votes if not may_vote(request, vote)}
    if "reject" in answers:
        return "rejected"
    if "request_changes" in answers:
        return "changes_requested"
    approvers = {
        vote.approver.id for vote in votes if vote.answer == "approve" and not eligible(request, vote.approver)
    }
    return "approved" if len(approvers) >= max(1, request.requirement.count) else "open"


def fold_approval(
    request: ApprovalRequest, votes: Sequence[Vote], moves: Sequence[Entry], *, now: datetime
) -> Approval:
    """The approval that request, votes and its entries in the journal describe, at `now`.

    Raises IntegrityError when votes and entries do not tell the same story.
    """
    events = [(entry, entry.event) for entry in moves if isinstance(entry.event, ApprovalMoved)]
    told = [(event.by, event.what) for _, event in events if event.what in ("approve", "reject", "request_changes")]
    if told != [(vote.approver.id, vote.answer) for vote in votes]:
        raise IntegrityError(
            f"the votes on approval {request.id!r} are not those in the journal; run `steer audit verify`"
        )
    state = tally(request, votes)
    claim = next(((entry, event) for entry, event in events if event.what == "claimed"), None)
    if claim is not None:
        return Approval(
            request=request,
            votes=tuple(votes),
            state="claimed",
            claimed_by=claim[1].by,
            claimed_at=claim[0].at,
        )
    expired = now >= request.expires_at or any(event.what == "expired" for _, event in events)
    if expired and state in ("open", "approved"):
        state = "expired"
    return Approval(request=request, votes=tuple(votes), state=state)
