"""Approvals as they are stored: the signed request, its signed votes, and what the journal's entries say of it.

State is never a column that could be edited: it is folded from entries and votes, each of which carries its MAC.
`is_open` only helps to list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import ValidationError

from steersman.domain.approval import Approval, ApprovalRequest, Vote
from steersman.domain.errors import ApprovalRefusedError, ConcurrencyError, IntegrityError
from steersman.domain.event import ApprovalMoved, CallIntended, Entry
from steersman.domain.fact import Digest, canonical
from steersman.domain.ids import ApprovalId, RunId
from steersman.journal import approvals
from steersman.journal.chain import SYSTEM, Row, entry
from steersman.journal.keyring import Keyring
from steersman.journal.port import Claim
from steersman.journal.transaction import Query, Transaction

NOTHING = Digest("sha256:" + 64 * "0")
"""The subject that stands in the entry of a vote on a request that nobody made."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal that is written down: its transaction commits, then the error is raised to the caller."""

    error: ApprovalRefusedError


def ask(tx: Transaction, request: ApprovalRequest) -> Approval:
    """The live approval of the same thing for the same run, or this one, stored and signed."""
    rows = tx.all("SELECT approval_id FROM approvals WHERE run_id = ? AND subject = ?", request.run_id, request.subject)
    for (approval_id,) in rows:
        known = _readable(tx, approval_id)
        if known and known.state in ("open", "approved", "claimed") and _same(known.request, request):
            return known
    if tx.one("SELECT 1 FROM approvals WHERE approval_id = ?", request.id):
        raise ConcurrencyError(f"approval {request.id!r} exists already; ask with a new random id")
    body = canonical(request)
    move(tx, request, what="asked", by=request.requester)
    tx.run(
        "INSERT INTO approvals VALUES (?, ?, ?, 1, ?, ?, ?)",
        request.id,
        request.run_id,
        request.subject,
        tx.head.seq,
        body.decode(),
        tx.keyring.sign("request", body),
    )
    return load(tx, request.id)


def _readable(tx: Transaction, approval_id: str) -> Approval | None:
    """An approval; None for an altered one, which counts for nothing and must not bar the way to a new one."""
    try:
        return load(tx, approval_id)
    except ApprovalRefusedError:
        return None


def _same(known: ApprovalRequest, asked: ApprovalRequest) -> bool:
    """Whether two requests ask for the same; a changed policy or requirement asks for more than the old one gave."""
    aside = {"id", "summary", "requested_at", "expires_at"}
    return known.model_dump(exclude=aside) == asked.model_dump(exclude=aside)


def vote(tx: Transaction, ballot: Vote) -> Approval | Refusal:
    """Stores a vote that is in order; writes down one that is not."""
    try:
        known = load(tx, ballot.approval_id)
    except ApprovalRefusedError as e:
        _note(tx, SYSTEM, subject=NOTHING, ballot=ballot, reason=str(e))
        return Refusal(e)
    try:
        repeated = _admit(tx, known, ballot)
    except ApprovalRefusedError as e:
        if known.state == "expired":
            expire(tx, known.request.id)
        _note(tx, known.request.run_id, subject=known.request.subject, ballot=ballot, reason=str(e))
        return Refusal(e)
    if repeated:
        return known
    move(tx, known.request, what=ballot.answer, by=ballot.approver.id, comment=ballot.comment)
    tx.run("INSERT INTO votes VALUES (?, ?, ?)", known.request.id, tx.head.seq, ballot.model_dump_json())
    return _refreshed(tx, known.request.id)


def _admit(tx: Transaction, known: Approval, ballot: Vote) -> bool:
    """Whether the vote says what its approver has said already. Raises ApprovalRefusedError when it does not count."""
    approvals.verify(tx.keyring, known.request, ballot)
    if known.state in approvals.CLOSED:
        raise ApprovalRefusedError(f"approval {known.request.id!r} is {known.state}; ask anew")
    reason = approvals.may_vote(known.request, ballot)
    if reason:
        raise ApprovalRefusedError(f"the vote on {known.request.id!r} does not count: {reason}")
    said = [earlier.answer for earlier in known.votes if earlier.approver.id == ballot.approver.id]
    return bool(said) and said[-1] == ballot.answer


def load(query: Query, approval_id: str) -> Approval:
    """One approval, each signature checked. Raises ApprovalRefusedError when there is none or it was altered."""
    row = query.one("SELECT body, signature, run_id FROM approvals WHERE approval_id = ?", approval_id)
    if row is None:
        raise ApprovalRefusedError(
            f"there is no approval {approval_id!r}; `steer approvals list` shows those there are"
        )
    votes = query.all("SELECT body FROM votes WHERE approval_id = ? ORDER BY seq", approval_id)
    moves = query.raw("run_id = ? AND ref = ? ORDER BY seq", row[2], approval_id)
    record = query.known.get(
        (row, tuple(votes), moves), lambda: _verified(query.keyring, row, votes=votes, moves=moves)
    )
    request = record.request
    if request.id != approval_id or request.run_id != row[2] or not moves:
        raise ApprovalRefusedError(f"approval {approval_id!r} does not stand in the journal; ask anew")
    try:
        return approvals.fold_approval(request, record.votes, record.moves, now=query.now)
    except IntegrityError as e:
        raise ApprovalRefusedError(f"approval {approval_id!r} is not what was written: {e}; ask anew") from e


class _Record(NamedTuple):
    request: ApprovalRequest
    votes: list[Vote]
    moves: list[Entry]


def _verified(
    keyring: Keyring, row: tuple[object, ...], *, votes: Sequence[tuple[object, ...]], moves: Sequence[Row]
) -> _Record:
    body, signature = str(row[0]), str(row[1])
    if not keyring.verifies("request", body.encode(), signature):
        raise ApprovalRefusedError("the request of this approval was altered; ask anew")
    try:
        request = ApprovalRequest.model_validate_json(body)
        ballots = [Vote.model_validate_json(str(text)) for (text,) in votes]
        entries = [entry(keyring, move) for move in moves]
    except (ValidationError, IntegrityError) as e:
        raise ApprovalRefusedError(f"an approval is not what was written: {e}; ask anew") from e
    for ballot in ballots:
        approvals.verify(keyring, request, ballot)
    return _Record(request, ballots, entries)


def claim_approval(tx: Transaction, run_id: RunId, *, intent: CallIntended, claim: Claim) -> Refusal | None:
    """Claims an approval for a call, or finds it claimed by the same claimant; a refusal is written down."""
    try:
        known = load(tx, claim.approval_id)
        _check_claim(known, run_id, intent=intent, claim=claim)
    except ApprovalRefusedError as e:
        by = f"{run_id}/{intent.step_id}"
        _refused(tx, run_id, claim=claim, by=by, reason=str(e))
        return Refusal(e)
    if known.state == "approved":
        move(tx, known.request, what="claimed", by=claim.claimed_by)
        _refreshed(tx, known.request.id)
    return None


def _check_claim(known: Approval, run_id: RunId, *, intent: CallIntended, claim: Claim) -> None:
    request = known.request
    name = repr(request.id)
    if request.subject != claim.subject:
        raise ApprovalRefusedError(f"approval {name} is of {request.subject!r}, not of {claim.subject!r}; ask anew")
    if request.run_id != run_id:
        raise ApprovalRefusedError(f"approval {name} is for run {request.run_id!r}, not for {run_id!r}; ask anew")
    if request.scope == "step" and request.step_id != intent.step_id:
        raise ApprovalRefusedError(f"approval {name} is for step {request.step_id!r}, not {intent.step_id!r}; ask anew")
    claimant = run_id if request.scope == "plan" else f"{run_id}/{intent.step_id}"
    if claim.claimed_by != claimant:
        raise ApprovalRefusedError(f"approval {name} is claimed by {claimant!r} only, not by {claim.claimed_by!r}")
    if known.state == "claimed" and known.claimed_by != claim.claimed_by:
        raise ApprovalRefusedError(f"approval {name} was used by {known.claimed_by!r}; ask anew")
    if known.state not in ("approved", "claimed"):
        raise ApprovalRefusedError(f"approval {name} is {known.state}, not approved; wait for the votes or ask anew")


def expire(tx: Transaction, approval_id: ApprovalId) -> Approval:
    """Writes down that an approval has expired, so that a clock set back cannot revive it."""
    known = load(tx, approval_id)
    moves = tx.entries("run_id = ? AND ref = ? ORDER BY seq", known.request.run_id, approval_id)
    told = any(isinstance(e.event, ApprovalMoved) and e.event.what == "expired" for e in moves)
    if known.state == "expired" and not told:
        move(tx, known.request, what="expired", by="clock")
        return _refreshed(tx, approval_id)
    return known


def listed(query: Query, *, open_only: bool) -> list[Approval]:
    """Approvals, newest first."""
    where = "WHERE is_open = 1 " if open_only else ""
    rows = query.all(f"SELECT approval_id FROM approvals {where}ORDER BY asked_seq DESC")  # noqa: S608 - fixed texts
    found = [load(query, approval_id) for (approval_id,) in rows]
    return [known for known in found if known.state == "open"] if open_only else found


def move(tx: Transaction, request: ApprovalRequest, *, what: str, by: str, comment: str = "") -> None:
    """The entry of something that happened to an approval."""
    event = ApprovalMoved.model_validate(
        {"approval_id": request.id, "subject": request.subject, "what": what, "by": by, "comment": comment}
    )
    tx.append(request.run_id, (event,))


def _refreshed(tx: Transaction, approval_id: ApprovalId) -> Approval:
    known = load(tx, approval_id)
    tx.run("UPDATE approvals SET is_open = ? WHERE approval_id = ?", int(known.state == "open"), approval_id)
    return known


def _note(tx: Transaction, run_id: RunId, *, subject: Digest, ballot: Vote, reason: str) -> None:
    event = ApprovalMoved(
        approval_id=ballot.approval_id, subject=subject, what="refused", by=ballot.approver.id, comment=reason
    )
    tx.append(run_id, (event,))


def _refused(tx: Transaction, run_id: RunId, *, claim: Claim, by: str, reason: str) -> None:
    event = ApprovalMoved(approval_id=claim.approval_id, subject=claim.subject, what="refused", by=by, comment=reason)
    tx.append(run_id, (event,))
