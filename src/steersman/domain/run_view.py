"""A run in the JSON shape that scripts rely on: fields are added, never renamed."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from steersman.domain.approval import Approval
from steersman.domain.fact import JsonObject
from steersman.domain.plan import Step
from steersman.domain.run import Run, StepRecord


def run_json(run: Run, approvals: Sequence[Approval] = ()) -> JsonObject:
    """What `steer run -o json` and `steer runs show -o json` print."""
    return {
        "run_id": run.run_id,
        "state": run.state,
        "reason": run.reason,
        "exit_code": int(run.exit_code),
        "scenario_id": run.plan.scenario_id,
        "plan_digest": run.plan.digest(),
        "goal": run.plan.goal,
        "environment": run.plan.environment.model_dump(mode="json"),
        "requester": run.requester.id,
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "steps": [_step(step, run.steps[step.id]) for step in run.plan.steps],
        "verdicts": [verdict.model_dump(mode="json") for verdict in run.verdicts],
        "approvals": [_approval(approval) for approval in approvals] or [{"id": known} for known in run.approvals],
        "undo": [_step(step, run.undo[step.id]) for step in reversed(run.plan.steps) if step.id in run.undo],
        "findings": [finding.model_dump(mode="json") for finding in run.findings],
        "refusals": [refusal.model_dump(mode="json") for refusal in run.refusals],
    }


def _step(step: Step, record: StepRecord) -> JsonObject:
    operation = record.intent.operation if record.intent is not None else step.operation
    return {
        "id": step.id,
        "operation": operation,
        "phase": step.phase,
        "state": record.state,
        "reason": record.reason,
        "attempts": record.attempts,
        "started_at": record.started_at.isoformat() if record.started_at else None,
        "finished_at": record.finished_at.isoformat() if record.finished_at else None,
        "effects": _effects(record),
    }


def _effects(record: StepRecord) -> list[JsonValue]:
    """What the step's write changed; one that may have happened is shown as `unknown`, a read has none."""
    intent, settled = record.intent, record.settled
    if intent is None or not (record.happened or record.open_intent):
        return []
    return [
        {
            "resource": intent.resource,
            "operation": intent.operation,
            "result": "done" if record.happened else "unknown",
            "before": intent.before,
            "after": settled.after if settled is not None and settled.after is not None else intent.expected,
            "settled_by": settled.settled_by if settled is not None and record.happened else None,
            "approval_id": intent.approval_id,
        }
    ]


def _approval(approval: Approval) -> JsonObject:
    return {
        "id": approval.request.id,
        "scope": approval.request.scope,
        "state": approval.state,
        "subject": approval.request.subject,
        "requester": approval.request.requester,
        "requested_at": approval.request.requested_at.isoformat(),
        "expires_at": approval.request.expires_at.isoformat(),
        "votes": [
            {"by": vote.approver.id, "answer": vote.answer, "comment": vote.comment, "at": vote.at.isoformat()}
            for vote in approval.votes
        ],
    }
