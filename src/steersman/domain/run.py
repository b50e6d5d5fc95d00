"""A run, folded from its journal. Pure: the same entries always give the same run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from steersman.domain.call import Direction
from steersman.domain.environment import Principal
from steersman.domain.errors import IntegrityError
from steersman.domain.event import (
    FINAL,
    ApprovalMoved,
    CallIntended,
    CallSettled,
    Decided,
    Entry,
    FindingsMade,
    ReadMade,
    Refused,
    RunMoved,
    RunPlanned,
    RunState,
    StepMoved,
    StepState,
    SwitchMoved,
    VerdictGiven,
)
from steersman.domain.exit_codes import ExitCode
from steersman.domain.fact import Fact, Instant, JsonObject
from steersman.domain.finding import Finding, Verdict
from steersman.domain.ids import ApprovalId, RunId, StepId
from steersman.domain.plan import Plan


class StepRecord(Fact):
    """What is known of one step in one direction."""

    step_id: StepId
    direction: Direction = "do"
    state: StepState = "pending"
    reason: str = ""
    attempts: int = 0
    intent: CallIntended | None = None
    """The last intent; without a settlement of the same attempt its outcome is unknown."""
    settled: CallSettled | None = None
    """The last settlement."""
    started_at: Instant | None = None
    finished_at: Instant | None = None

    @property
    def open_intent(self) -> CallIntended | None:
        """An intent whose outcome nobody has written down, or which is still `unknown`."""
        if self.intent is None:
            return None
        settled = self.settled
        if settled is None or settled.attempt < self.intent.attempt or settled.result == "unknown":
            return self.intent
        return None

    @property
    def happened(self) -> bool:
        """Whether the call is known to have had its effect."""
        return self.settled is not None and self.settled.result == "done" and self.open_intent is None

    @property
    def output(self) -> JsonObject:
        """What the call gave back; empty until it happened."""
        return self.settled.output if self.settled is not None and self.happened else {}


class Run(Fact):
    """One execution of a plan."""

    run_id: RunId
    plan: Plan
    requester: Principal
    state: RunState = "planned"
    reason: str = ""
    steps: dict[StepId, StepRecord]
    undo: dict[StepId, StepRecord] = {}
    verdicts: tuple[Verdict, ...] = ()
    approvals: tuple[ApprovalId, ...] = ()
    findings: tuple[Finding, ...] = ()
    refusals: tuple[Refused, ...] = ()
    created_at: Instant
    finished_at: Instant | None = None
    last_seq: int = 0

    @property
    def final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in FINAL

    @property
    def exit_code(self) -> ExitCode:
        """What a command that waited for this run exits with."""
        match self.state:
            case "done":
                return ExitCode.DONE
            case "failed" | "cancelled" | "planned" | "running" | "undoing":
                return ExitCode.FAILED
            case "waiting":
                return ExitCode.WAITING
            case "refused":
                return ExitCode.REFUSED
            case "rolled_back":
                return ExitCode.ROLLED_BACK
            case "partial_undo" | "needs_human":
                return ExitCode.PARTIAL_UNDO
            case "paused":
                return ExitCode.INCONCLUSIVE


def fold(entries: Iterable[Entry]) -> Run:
    """The run that these entries describe. Raises IntegrityError when they do not begin with its plan."""
    line = iter(entries)
    first = next(line, None)
    if first is None or not isinstance(first.event, RunPlanned):
        raise IntegrityError(
            "a run begins with its plan, and this one does not; `steer audit verify` says where the journal broke"
        )
    planned = first.event
    run = Run(
        run_id=first.run_id,
        plan=planned.plan,
        requester=planned.requester,
        steps={step.id: StepRecord(step_id=step.id) for step in planned.plan.steps},
        created_at=first.at,
        last_seq=first.seq,
    )
    tables: dict[Direction, dict[StepId, StepRecord]] = {"do": dict(run.steps), "undo": {}}
    for entry in line:
        if isinstance(entry.event, (CallIntended, CallSettled, StepMoved)):
            _note(tables[entry.event.direction], entry.at, entry.event)
            run = run.model_copy(update={"last_seq": entry.seq})
        else:
            run = advance(run, entry)
    return run.model_copy(update={"steps": tables["do"], "undo": tables["undo"]})


def advance(run: Run, entry: Entry) -> Run:
    """The run after one more entry."""
    event = entry.event
    base = run.model_copy(update={"last_seq": entry.seq})
    match event:
        case RunMoved():
            finished = entry.at if event.state in FINAL else None
            return base.model_copy(update={"state": event.state, "reason": event.reason, "finished_at": finished})
        case CallIntended() | CallSettled() | StepMoved():
            return _with_step(base, entry.at, event)
        case VerdictGiven():
            return base.model_copy(update={"verdicts": (*run.verdicts, event.verdict)})
        case ApprovalMoved(what="refused"):
            return base
        case ApprovalMoved():
            known = run.approvals if event.approval_id in run.approvals else (*run.approvals, event.approval_id)
            return base.model_copy(update={"approvals": known})
        case FindingsMade():
            return base.model_copy(update={"findings": (*run.findings, *event.findings)})
        case Refused():
            return base.model_copy(update={"refusals": (*run.refusals, event)})
        case RunPlanned() | ReadMade() | Decided() | SwitchMoved():
            return base
        case _:
            assert_never(event)


def _with_step(run: Run, at: Instant, event: CallIntended | CallSettled | StepMoved) -> Run:
    table = dict(run.steps if event.direction == "do" else run.undo)
    _note(table, at, event)
    return run.model_copy(update={"steps" if event.direction == "do" else "undo": table})


def _note(table: dict[StepId, StepRecord], at: Instant, event: CallIntended | CallSettled | StepMoved) -> None:
    record = table.get(event.step_id) or StepRecord(step_id=event.step_id, direction=event.direction)
    match event:
        case CallIntended():
            change = {
                "intent": event,
                "attempts": event.attempt,
                "state": "unknown",
                "started_at": record.started_at or at,
            }
        case CallSettled():
            state: StepState = "unknown" if event.result == "unknown" else "running"
            change = {"settled": event, "attempts": max(record.attempts, event.attempt), "state": state}
        case StepMoved():
            ended = at if event.state in ("done", "failed", "skipped", "conflict") else None
            change = {
                "state": event.state,
                "reason": event.reason,
                "started_at": record.started_at or at,
                "finished_at": ended,
            }
    table[event.step_id] = record.model_copy(update=change)
