"""Small facts for tests of journals: events, requests, voters."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

from steersman.domain.approval import ApprovalRequest
from steersman.domain.call import Direction
from steersman.domain.environment import Principal
from steersman.domain.event import CallIntended, CallSettled, RunMoved, RunPlanned, RunState, StepMoved
from steersman.domain.fact import JsonObject, digest
from steersman.domain.ids import ApprovalId, OperationName, PrincipalId, ResourceId, RunId, StepId
from steersman.domain.policy import Requirement
from steersman.journal.port import Claim
from steersman.testing.clock import NOON
from steersman.testing.plans import make

RUN = RunId("run-1")
ASKER = Principal(id=PrincipalId("ann"), kind="human", roles=frozenset({"operator", "approver"}))
APPROVER = Principal(id=PrincipalId("bob"), kind="human", roles=frozenset({"approver", "sre"}))
SECOND = Principal(id=PrincipalId("eve"), kind="human", roles=frozenset({"approver"}))
STRANGER = Principal(id=PrincipalId("zoe"), kind="human", roles=frozenset({"reader"}))
AGENT = Principal(id=PrincipalId("bot"), kind="agent", roles=frozenset({"approver"}))
SUBJECT = digest("the plan")
_ids = itertools.count(1)


def planned() -> RunPlanned:
    """The first entry of a run."""
    return RunPlanned(plan=make("chain", size=3), requester=ASKER)


def moved(state: RunState) -> RunMoved:
    """The run is in another state."""
    return RunMoved(state=state)


def noted(step: str = "s1") -> StepMoved:
    """Any small event."""
    return StepMoved(step_id=StepId(step), direction="do", state="running")


def intent(step: str = "s1", *, attempt: int = 1, direction: Direction = "do") -> CallIntended:
    """An intent to write."""
    return CallIntended(
        step_id=StepId(step),
        direction=direction,
        attempt=attempt,
        operation=OperationName("shelf.put"),
        version=1,
        resource=ResourceId("shelf/a"),
        arguments={"name": "a", "value": 1},
        key=f"{RUN}/{step}/{direction}",
        deadline=NOON + timedelta(hours=1),
    )


def settled(step: str = "s1", *, attempt: int = 1, result: str = "done", direction: Direction = "do") -> CallSettled:
    """What became of it."""
    return CallSettled.model_validate(
        {
            "step_id": step,
            "direction": direction,
            "attempt": attempt,
            "operation": "shelf.put",
            "result": result,
            "output": {"attempt": attempt},
        }
    )


def request(run_id: RunId = RUN, *, at: datetime = NOON, ttl_s: float = 900, **more: object) -> ApprovalRequest:
    """A request for approval of a plan, with an id of its own."""
    document: JsonObject = {
        "id": ApprovalId(f"approval-{next(_ids):032x}"),
        "subject": SUBJECT,
        "scope": "plan",
        "run_id": run_id,
        "environment": digest("lab"),
        "requester": ASKER.id,
        "policy_digest": digest("policy"),
        "summary": "payments v2",
    }
    times = {"requested_at": at, "expires_at": at + timedelta(seconds=ttl_s), "requirement": Requirement()}
    return ApprovalRequest.model_validate({**document, **times, **more})


def claim(asked: ApprovalRequest, **more: object) -> Claim:
    """The claim that the request's own run or step may make."""
    claimant = asked.run_id if asked.scope == "plan" else f"{asked.run_id}/{asked.step_id}"
    document = {"approval_id": asked.id, "subject": asked.subject, "claimed_by": claimant}
    return Claim.model_validate({**document, **more})
