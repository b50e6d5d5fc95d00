"""Where people answer: votes are checked, signed and stored. Chat callbacks are verified before they become votes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import ValidationError

from steersman.domain.approval import Answer, Approval, Vote
from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalRefusedError
from steersman.domain.event import ApprovalMoved
from steersman.domain.fact import Fact
from steersman.domain.ids import ApprovalId, PrincipalId
from steersman.domain.ports import Clock
from steersman.gate.guard import Directory, Rules
from steersman.journal import approvals
from steersman.journal.keyring import Keyring
from steersman.journal.port import Approvals, Entries

CALLBACK_AGE_S = 300
"""Source: Slack's request verification, "Verifying requests from Slack": older than five minutes is a replay."""


class Store(Approvals, Entries, Protocol):
    """What the desk writes to."""


@dataclass(frozen=True, slots=True)
class ApprovalDesk:
    """Takes answers. It alone holds the key that signs them."""

    store: Store
    keyring: Keyring
    rules: Rules
    directory: Directory
    clock: Clock

    async def vote(
        self, approval_id: ApprovalId, approver: Principal, answer: Answer, *, comment: str = ""
    ) -> Approval:
        """The approval with the answer in it.

        Raises ApprovalRefusedError, which is journaled as well, when this person may not answer, or not now.
        """
        approval = await self._found(approval_id, approver, answer)
        request = approval.request
        try:
            known = self._entitled(approval, approver, answer)
        except ApprovalRefusedError as e:
            refused = ApprovalMoved(
                approval_id=approval_id, subject=request.subject, what="refused", by=approver.id, comment=str(e)
            )
            await self.store.append(request.run_id, refused)
            raise
        vote = approvals.sign(
            self.keyring, request, approver=known, answer=answer, at=self.clock.now(), comment=comment
        )
        return await self.store.vote(vote)

    async def _found(self, approval_id: ApprovalId, approver: Principal, answer: Answer) -> Approval:
        """Guessed ids are written down as well: the store does that with a vote on something that it does not know."""
        try:
            return await self.store.approval(approval_id)
        except ApprovalRefusedError:
            now = self.clock.now()
            guess = Vote(approval_id=approval_id, approver=approver, answer=answer, at=now, key_id="", signature="")
            return await self.store.vote(guess)

    def _entitled(self, approval: Approval, approver: Principal, answer: Answer) -> Principal:
        request = approval.request
        if approval.state != "open":
            raise ApprovalRefusedError(f"approval {request.id!r} is {approval.state} and takes no more answers")
        known = self.directory(approver.id)
        if known is None:
            raise ApprovalRefusedError(f"{approver.id!r} is nobody that configuration knows; see principals.roles")
        if answer == "approve" and not self.rules.may_approve(known, request.requirement, request.requester):
            wanted = ", ".join(sorted(request.requirement.roles))
            other = " and be another than who asked" if request.requirement.not_requester else ""
            raise ApprovalRefusedError(f"{approver.id!r} may not approve {request.id!r}: must be {wanted}{other}")
        return known


class ChatAnswer(Fact):
    """What a chat system says that somebody answered."""

    user: str
    """The chat system's id of the person."""
    approval_id: ApprovalId
    answer: Answer
    comment: str = ""


def read_json(body: bytes) -> ChatAnswer:
    """The answer in a JSON body. Raises ApprovalRefusedError."""
    try:
        return ChatAnswer.model_validate_json(body)
    except ValidationError as e:
        raise ApprovalRefusedError("the callback wants user, approval_id and answer as JSON") from e


@dataclass(slots=True)
class Callbacks:
    """Verifies that a chat system's callback is genuine, fresh, new, and by somebody who is listed."""

    secret: bytes
    listed: Mapping[str, PrincipalId]
    """Chat user to principal."""
    clock: Clock
    read: Callable[[bytes], ChatAnswer] = read_json
    """Who answered what, out of the signed body and nothing else."""
    _used: dict[str, float] = field(default_factory=dict)

    def verify(self, *, timestamp: str, body: bytes, signature: str) -> tuple[PrincipalId, ChatAnswer]:
        """Who answered what. Raises ApprovalRefusedError.

        signature: `v0=` and HMAC-SHA256 hex over `v0:timestamp:body`. Source: Slack's request signing.
        """
        wanted = "v0=" + hmac.new(self.secret, b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        if not signature.isascii() or not hmac.compare_digest(wanted, signature):
            raise ApprovalRefusedError("the callback's signature is wrong")
        now = self.clock.now().timestamp()
        if not timestamp.isascii() or not timestamp.isdecimal() or abs(now - int(timestamp)) > CALLBACK_AGE_S:
            raise ApprovalRefusedError(f"the callback of {timestamp!r} is not of the last {CALLBACK_AGE_S} s")
        self._used = {key: at for key, at in self._used.items() if now - at <= 2 * CALLBACK_AGE_S}
        if signature in self._used:
            raise ApprovalRefusedError("the callback was presented before")
        self._used[signature] = now
        answer = self.read(body)
        if answer.user not in self.listed:
            raise ApprovalRefusedError(f"chat user {answer.user!r} is not listed as an approver")
        return self.listed[answer.user], answer
