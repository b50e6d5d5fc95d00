"""What the journal says of a run, in the form that the engine works on. Built from the journal at every start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from steersman.domain.call import Outcome
from steersman.domain.errors import InputError
from steersman.domain.event import CallIntended, CallSettled, Entry, RunMoved, StepMoved
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.domain.ids import ConditionId, ResourceId, StepId
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Plan, Step
from steersman.domain.run import Run, StepRecord, fold
from steersman.engines.local.order import ProbeKey, probe_key, topological
from steersman.engines.local.ports import Catalogue


@dataclass(frozen=True, slots=True)
class Target:
    """A call with its arguments resolved."""

    operation: Operation
    arguments: JsonObject
    resource: ResourceId | None = None
    """None for reads."""
    key: ProbeKey | None = None


@dataclass(slots=True)
class Progress:
    """The run as folded at the start of this session, and what has happened in it since."""

    run: Run
    operation: Catalogue
    steps: dict[StepId, Step]
    done: set[StepId]
    outputs: dict[StepId, JsonObject] = field(default_factory=dict)
    held_since: dict[StepId, datetime] = field(default_factory=dict)
    wrote_at: datetime | None = None
    """When the first write was intended: run-wide conditions are watched from here."""
    undo_cause: str | None = None
    """Why the run is being undone; None as long as it is not."""
    verdicts: dict[tuple[ConditionId | None, StepId | None], str] = field(default_factory=dict)
    _left: dict[ProbeKey, JsonObject | None] = field(default_factory=dict)
    _written: set[ResourceId] = field(default_factory=set)
    _observed: dict[ProbeKey, JsonObject] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Sequence[Entry], operation: Catalogue) -> Progress:
        """What these entries of one run say."""
        run = fold(entries)
        steps = {step.id: step for step in run.plan.steps}
        done = {name for name, record in run.steps.items() if record.state == "done"}
        found = cls(run=run, operation=operation, steps=steps, done=done)
        found._observed = {probe_key(seen.probe): seen.state for seen in run.plan.observations}
        for entry in entries:
            found._scan(entry)
        found.verdicts = {(v.condition, v.step): v.result for v in run.verdicts}
        for name in topological(run.plan):
            record = run.steps[name]
            if record.happened:
                found.outputs[name] = record.output
                found._note_write(found.target(steps[name]), left_by(record))
        return found

    @property
    def plan(self) -> Plan:
        """What is run."""
        return self.run.plan

    @property
    def touched(self) -> bool:
        """Whether any write was ever intended."""
        return self.wrote_at is not None

    def arguments(self, step: Step) -> JsonObject:
        """The step's arguments with all references resolved. Raises InputError while a former step has no output."""
        found = resolve(step.arguments, Scope(outputs=self.outputs))
        assert isinstance(found, dict)
        return found

    def target(self, step: Step) -> Target:
        """What the step's call will touch. Raises InputError while a former step has no output."""
        operation, arguments = self.operation(step.operation), self.arguments(step)
        if operation.effect == "read":
            return Target(operation, arguments)
        probe = resolved_probe(operation, arguments)
        key = None if probe is None else probe_key(probe)
        return Target(operation, arguments, operation.target(arguments), key)

    def expects(self, target: Target) -> JsonObject | None:
        """What the probe must show before a write.

        What our own former write left, else what the plan observed; None when neither is known.
        """
        if target.key is None:
            return None
        if target.key in self._left:
            return self._left[target.key]
        return None if target.resource in self._written else self._observed.get(target.key)

    def happened(self, step: Step, target: Target, outcome: Outcome | CallSettled) -> None:
        """Takes note of a call that had its effect."""
        self.outputs[step.id] = outcome.output
        if target.resource is not None:
            after, before = outcome.after, outcome.before
            if after is None and before is not None:
                after = target.operation.expected(target.arguments, before)
            self._note_write(target, after)

    def _note_write(self, target: Target, after: JsonObject | None) -> None:
        if target.resource is not None:
            self._written.add(target.resource)
        if target.key is not None:
            self._left[target.key] = after

    def _scan(self, entry: Entry) -> None:
        match entry.event:
            case StepMoved(direction="do", state="holding", step_id=step):
                self.held_since.setdefault(step, entry.at)
            case CallIntended(direction="do"):
                self.wrote_at = self.wrote_at or entry.at
            case RunMoved(state="undoing", reason=reason):
                self.undo_cause = reason
            case _:
                pass


def left_by(record: StepRecord) -> JsonObject | None:
    """The state that a step's write left: as read back, else as its operation promised."""
    if record.settled is not None and record.settled.after is not None:
        return record.settled.after
    return record.intent.expected if record.intent is not None else None


def before(record: StepRecord) -> JsonObject | None:
    """The state that a step's write found."""
    if record.intent is not None and record.intent.before is not None:
        return record.intent.before
    return record.settled.before if record.settled is not None else None


def resolved_probe(operation: Operation, arguments: JsonObject) -> Invocation | None:
    """The operation's probe for these arguments; None when it has none."""
    if operation.probe is None:
        return None
    found = resolve(operation.probe.arguments, Scope(arguments=arguments))
    if not isinstance(found, dict):
        raise InputError(f"the probe of {operation.name!r} has no argument object: mend the toolset")
    return operation.probe.model_copy(update={"arguments": found})
