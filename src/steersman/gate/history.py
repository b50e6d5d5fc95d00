"""What the journal already says of a run: its plan, its steps' calls, and what it has spent. Read on from last time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from steersman.domain.call import Direction
from steersman.domain.environment import Principal
from steersman.domain.event import (
    ApprovalMoved,
    CallIntended,
    CallSettled,
    Entry,
    ReadMade,
    RunMoved,
    RunPlanned,
    RunState,
)
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import Digest, JsonObject
from steersman.domain.finding import Cost
from steersman.domain.ids import ApprovalId, RunId, StepId
from steersman.domain.plan import Plan, Step
from steersman.domain.run import StepRecord
from steersman.journal.port import Entries

KEPT = 64
"""Runs in memory; the one that was asked for longest ago goes first."""


@dataclass(slots=True)
class History:
    """One run, as far as it was read."""

    plan: Plan | None = None
    plan_digest: Digest | None = None
    requester: Principal | None = None
    state: RunState = "planned"
    records: dict[tuple[StepId, Direction], StepRecord] = field(default_factory=dict)
    asked: dict[Digest, ApprovalId] = field(default_factory=dict)
    """The newest approval that was asked for each subject, whatever was answered."""
    calls: dict[Direction, int] = field(default_factory=lambda: {"do": 0, "undo": 0})
    """Attempts that the journal knows of."""
    begun: dict[Direction, int] = field(default_factory=lambda: {"do": 0, "undo": 0})
    """Attempts with those that this process has begun and not written down yet."""
    seconds: float = 0.0
    spent: Cost = field(default_factory=Cost)
    """Tokens and money, as they were charged last."""
    seq: int = 0
    _steps: dict[StepId, Step] = field(default_factory=dict)

    def record(self, step_id: StepId, direction: Direction) -> StepRecord:
        """What is known of a step in one direction."""
        return self.records.get((step_id, direction)) or StepRecord(step_id=step_id, direction=direction)

    def step(self, step_id: StepId) -> Step | None:
        """The plan's step of that id."""
        return self._steps.get(step_id)

    def outputs(self) -> Mapping[StepId, JsonObject]:
        """Outputs of the steps that have happened, looked up one by one: a plan may have thousands."""
        return _Outputs(self.records)

    def arguments(self, step: Step) -> JsonObject:
        """The step's arguments with `$from` replaced. Raises InputError while a former step has no output."""
        found = resolve(step.arguments, Scope(outputs=self.outputs()))
        return found if isinstance(found, dict) else {}

    def begin(self, direction: Direction) -> int:
        """Counts one more attempt, and gives back how many there are with it."""
        self.begun[direction] = max(self.begun[direction], self.calls[direction]) + 1
        return self.begun[direction]

    def take(self, entry: Entry) -> None:
        """Folds one more entry in."""
        self.seq = entry.seq
        event = entry.event
        match event:
            case RunPlanned() if self.plan is None:
                self.plan, self.requester = event.plan, event.requester
                self.plan_digest = event.plan.digest()
                self._steps = {step.id: step for step in event.plan.steps}
            case RunMoved():
                self.state = event.state
            case ApprovalMoved(what="asked"):
                self.asked[event.subject] = event.approval_id
            case CallIntended():
                self.calls[event.direction] += 1
                self._update(event, intent=event, attempts=event.attempt)
            case CallSettled():
                self._settle(event)
            case ReadMade():
                self.calls["do"] += 1
                self.seconds += event.seconds
            case _:
                pass

    def _settle(self, event: CallSettled) -> None:
        self.seconds += event.seconds
        known = self.record(event.step_id, event.direction)
        self.calls[event.direction] += known.intent is None or known.intent.attempt != event.attempt
        if known.settled is None or event.attempt >= known.settled.attempt:
            self._update(event, settled=event, attempts=max(known.attempts, event.attempt))

    def _update(self, event: CallIntended | CallSettled, **change: object) -> None:
        key = (event.step_id, event.direction)
        self.records[key] = self.record(*key).model_copy(update=change)


@dataclass(frozen=True, slots=True)
class _Outputs(Mapping[StepId, JsonObject]):
    records: Mapping[tuple[StepId, Direction], StepRecord]

    def __getitem__(self, step_id: StepId) -> JsonObject:
        record = self.records[step_id, "do"]
        if not record.happened:
            raise KeyError(step_id)
        return record.output

    def __iter__(self) -> Iterator[StepId]:
        return (step for (step, way), record in self.records.items() if way == "do" and record.happened)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Histories:
    """The histories of the runs that were asked for last."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._known: OrderedDict[RunId, History] = OrderedDict()

    async def of(self, run_id: RunId) -> History:
        """The run's history as the journal stands now."""
        known = self._known.setdefault(run_id, History())
        self._known.move_to_end(run_id)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        for entry in await self._entries.read(run_id, after=known.seq):
            if entry.seq > known.seq:  # a task beside us may have read on meanwhile
                known.take(entry)
        return known
