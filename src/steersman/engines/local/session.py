"""One run in one process: its lease, its brake, its progress, and the pulse that keeps them honest."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count

from steersman.domain.call import Grant
from steersman.domain.errors import ConcurrencyError
from steersman.domain.event import Event, RunMoved, RunState
from steersman.domain.ids import ApprovalId, RunId, StepId
from steersman.engines.local.control import Control, Halt
from steersman.engines.local.ports import Deps
from steersman.engines.local.progress import Progress
from steersman.engines.local.reads import Reader

COMMAND_BEATS = 4
"""Beats between two looks for a cancellation by another process."""


@dataclass(slots=True)
class Lease:
    """The right to execute a run. Trusts only a renewal that is younger than its time to live."""

    deps: Deps
    run_id: RunId
    owner: str
    _alive_until: float = 0.0

    async def renew(self) -> None:
        """Takes or renews it. Raises ConcurrencyError while it is another's."""
        asked = self.deps.clock.monotonic()
        if not await self.deps.journal.acquire(self.run_id, self.owner, self.deps.settings.lease_ttl):
            raise ConcurrencyError(f"run {self.run_id!r} is being executed by another process; `steer runs watch` it")
        self._alive_until = asked + self.deps.settings.lease_ttl.total_seconds()

    def hold(self) -> None:
        """Raises ConcurrencyError when the lease may have run out: no effect may follow."""
        if self.deps.clock.monotonic() >= self._alive_until:
            raise ConcurrencyError(f"the lease of run {self.run_id!r} ran out; whoever holds it now goes on")

    async def release(self) -> None:
        """Gives it back."""
        await self.deps.journal.release(self.run_id, self.owner)


@dataclass(slots=True)
class Session:
    """What the nodes of the graph and the steps share while a run is executed here."""

    deps: Deps
    progress: Progress
    lease: Lease
    control: Control = field(default_factory=Control)
    grant: Grant | None = None
    step_approvals: dict[StepId, ApprovalId] = field(default_factory=dict)
    """The newest approval that was asked for a single step, whatever was answered: a no is not asked again."""
    state: RunState = "planned"
    reason: str = ""
    undoing: bool = False
    draining: bool = False
    group: asyncio.TaskGroup | None = None
    """Of the phase that is being run."""
    task: asyncio.Task[object] | None = None
    """The task that executes the run."""

    @property
    def run_id(self) -> RunId:
        """The run that is executed."""
        return self.progress.run.run_id

    @property
    def reader(self) -> Reader:
        """Reads under the run's grant."""
        return Reader(self.deps, self.progress.run, self.grant)

    async def learn_approvals(self) -> None:
        """Looks up which steps were asked about."""
        for approval_id in self.progress.run.approvals:
            request = (await self.deps.journal.approval(approval_id)).request
            if request.step_id is not None:
                self.step_approvals[request.step_id] = approval_id

    async def append(self, *events: Event) -> None:
        """Makes events durable."""
        await self.deps.journal.append(self.run_id, *events)

    def note(self, event: Event) -> None:
        """Journals what follows from the journal anyway, without waiting.

        It goes ahead of, or together with, whatever is appended after it, and is durable when the phase ends.
        """
        assert self.group is not None
        self.group.create_task(self.append(event), name="note")

    async def move(self, state: RunState, reason: str = "") -> None:
        """Journals a new state of the run; the same one again is not news."""
        if (self.state, self.reason) != (state, reason):
            await self.append(RunMoved(state=state, reason=reason))
            self.state, self.reason = state, reason

    def drain(self) -> None:
        """Starts nothing more; what is under way finishes."""
        self.draining = True
        self.control.stop(Halt("drain", "this process ends"))

    def begin_undo(self) -> None:
        """A fresh brake: what halted the way forward does not halt the way back."""
        self.undoing, self.control = True, Control()
        if self.draining:
            self.drain()

    def abandon(self) -> None:
        """Breaks off what is under way; its outcome is settled when the run goes on."""
        if self.task is not None:
            self.task.cancel()

    async def pulse(self) -> None:
        """Renews the lease and obeys the kill switch and commands from other processes.

        Ends only by cancellation, or by ConcurrencyError when the lease is lost.
        """
        renew_every = self.deps.settings.lease_ttl.total_seconds() / 3
        renewed = self.deps.clock.monotonic()
        for beat in count(1):
            await self.deps.clock.sleep(self.deps.settings.beat_s)
            if self.deps.clock.monotonic() - renewed >= renew_every:
                await self.lease.renew()
                renewed = self.deps.clock.monotonic()
            await self._obey_switch()
            if beat % COMMAND_BEATS == 0:
                await self._obey_cancel()

    async def _obey_switch(self) -> None:
        level = await self.deps.journal.level()
        if level == "hard" or (level == "stop" and not self.undoing):
            self.control.stop(Halt("pause", "the kill switch is on; `steer start-all`, then `steer runs resume`"))

    async def _obey_cancel(self) -> None:
        """Another process cancels by moving the run to its final state; this one stops when it sees that."""
        if not self.undoing and self.run_id not in await self.deps.journal.runs(unfinished=True):
            self.control.stop(Halt("cancel", "cancelled by command"))
