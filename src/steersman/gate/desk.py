"""Where people answer: votes are checked, signed and stored. Chat callbacks are verified before they become votes."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from steersman.domain.approval import Answer, Approval
from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalRefusedError
from steersman.domain.ids import ApprovalId, PrincipalId
from steersman.domain.ports import Clock
from steersman.gate.guard import Directory, Rules
from steersman.journal import approvals
from steersman.journal.keyring import Keyring
from steersman.journal.port import Approvals

CALLBACK_AGE_S = 300
"""Source: Slack's request verification, "Verifying requests from Slack": older than five minutes is a replay."""


@dataclass(frozen=True, slots=True)
class ApprovalDesk:
    """Takes answers. It alone holds the key that signs them."""

    store: Approvals
    keyring: Keyring
    rules: Rules
    directory: Directory
    clock: Clock

    async def vote(
        self, approval_id: ApprovalId, approver: Principal, answer: Answer, *, comment: str = ""
    ) -> Approval:
        """The approval with the answer in it. Raises ApprovalRefusedError when this person may not, or not now."""
        approval = await self.store.approval(approval_id)
        request = approval.request
        if approval.state != "open":
            raise ApprovalRefusedError(f"approval {approval_id!r} is {approval.state} and takes no more answers")
        known = self.directory(approver.id)
        if known is None:
            raise ApprovalRefusedError(f"{approver.id!r} is nobody that configuration knows; see principals.roles")
        if answer == "approve" and not self.rules.may_approve(known, request.requirement, request.requester):
            wanted = ", ".join(sorted(request.requirement.roles))
            other = " and be another than who asked" if request.requirement.not_requester else ""
            raise ApprovalRefusedError(f"{approver.id!r} may not approve {approval_id!r}: must be {wanted}{other}")
        vote = approvals.sign(
            self.keyring, request, approver=known, answer=answer, at=self.clock.now(), comment=comment
        )
        return await self.store.vote(vote)


@dataclass(slots=True)
class Callbacks:
    """Verifies that a chat system's callback is genuine, fresh, new, and by somebody who is listed."""

    secret: bytes
    listed: dict[str, PrincipalId]
    """Chat user to principal."""
    clock: Clock
    _used: dict[str, float] = field(default_factory=dict)

    def verify(self, *, timestamp: str, body: bytes, signature: str, user: str) -> PrincipalId:
        """Who answered. Raises ApprovalRefusedError.

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
        if user not in self.listed:
            raise ApprovalRefusedError(f"chat user {user!r} is not listed as an approver")
        self._used[signature] = now
        return self.listed[user]
