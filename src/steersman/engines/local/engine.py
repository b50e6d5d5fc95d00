"""The local engine: one process, LangGraph outside, dataflow inside, the journal as the truth."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from steersman.domain.environment import Principal
from steersman.domain.errors import ConcurrencyError, InputError, SteersmanError
from steersman.domain.event import RunMoved, RunPlanned
from steersman.domain.ids import RunId
from steersman.domain.plan import Plan
from steersman.domain.run import Run, fold
from steersman.engines.local.control import Halt
from steersman.engines.local.order import topological
from steersman.engines.local.ports import Deps
from steersman.engines.local.progress import Progress
from steersman.engines.local.session import Lease, Session


@dataclass(slots=True)
class LocalEngine:
    """Runs plans. Running again, resuming and recovering are the same road: on from where the journal stands."""

    deps: Deps
    requester: Principal
    """Who asks for runs that begin here."""
    checkpoints: Path | None = None
    """File of LangGraph's checkpoints; None keeps them in memory."""
    _live: dict[RunId, Session] = field(default_factory=dict)

    async def run(self, plan: Plan, run_id: RunId) -> Run:
        """The run when it can go no further by itself.

        Raises ConcurrencyError while another process executes it, InputError when the run is of another plan, or the
        plan is no DAG (`planning.check` says much more, before).
        """
        topological(plan)
        _load_graph()
        async with self._leased(run_id) as lease:
            entries = await self.deps.journal.read(run_id)
            if not entries:
                await self.deps.journal.append(run_id, RunPlanned(plan=plan, requester=self.requester))
                entries = await self.deps.journal.read(run_id)
            progress = Progress.of(entries, self.deps.operation)
            if progress.plan.digest() != plan.digest():
                raise InputError(f"run {run_id!r} is of another plan; give this one a run of its own")
            await self._drive(progress, lease)
        return await self.show(run_id)

    async def show(self, run_id: RunId) -> Run:
        """The run as its journal tells it. Raises InputError when there is none."""
        entries = await self.deps.journal.read(run_id)
        if not entries:
            raise InputError(f"there is no run {run_id!r}; `steer runs list` shows them")
        return fold(entries)

    async def resume(self, run_id: RunId) -> Run:
        """Goes on with a run that waits, is paused, needed a human, or whose process died."""
        return await self.run((await self.show(run_id)).plan, run_id)

    async def undo(self, run_id: RunId, *, reason: str = "undo was asked for") -> Run:
        """Takes back what the run did, finished or not; one that still runs elsewhere is cancelled first."""
        run = await self.cancel(run_id, reason=reason)
        if run.state == "rolled_back" or not any(record.intent for record in run.steps.values()):
            return run
        _load_graph()
        async with self._leased(run_id) as lease:
            await self.deps.journal.append(run_id, RunMoved(state="undoing", reason=reason))
            await self._drive(await self._progress(run_id), lease)
        return await self.show(run_id)

    async def cancel(self, run_id: RunId, *, reason: str = "cancelled by command") -> Run:
        """Stops a run and leaves its effects as they are.

        What is under way finishes first; a final run stays as it is.
        """
        run = await self.show(run_id)
        if run.final:
            return run
        if run.state == "undoing":
            raise ConcurrencyError(f"run {run_id!r} is being undone; `steer runs watch` it")
        if run_id in self._live:
            self._live[run_id].control.stop(Halt("cancel", reason))
        await self.deps.journal.append(run_id, RunMoved(state="cancelled", reason=reason))
        while not await self._say_cancelled(run_id, reason):
            await self.deps.clock.sleep(self.deps.settings.beat_s)
        return await self.show(run_id)

    async def recover(self) -> tuple[Run, ...]:
        """Goes on with every unfinished run that nobody executes and that waits for nobody: what a crash left."""
        found: list[Run] = []

        async def one(run_id: RunId) -> None:
            try:
                if await self._is_orphan(run_id):
                    found.append(await self.resume(run_id))
            except ConcurrencyError:
                return
            except SteersmanError as e:
                await self.deps.journal.append(run_id, RunMoved(state="needs_human", reason=str(e)))
                found.append(await self.show(run_id))

        async with asyncio.TaskGroup() as group:
            for run_id in await self.deps.journal.runs(unfinished=True):
                group.create_task(one(run_id), name=f"recover {run_id}")
        return tuple(found)

    async def drain(self) -> None:
        """For SIGTERM: starts nothing more, lets what is under way finish for a bounded time, gives the leases back.

        The runs stay resumable; `run` returns to whoever awaits it.
        """
        give_up = self.deps.clock.monotonic() + self.deps.settings.drain_s
        draining = dict(self._live)
        for session in draining.values():
            session.drain()
        while draining and self.deps.clock.monotonic() < give_up:
            await self.deps.clock.sleep(0.05)
            draining = {run_id: session for run_id, session in draining.items() if self._live.get(run_id) is session}
        for session in draining.values():
            session.abandon()

    @asynccontextmanager
    async def _leased(self, run_id: RunId) -> AsyncIterator[Lease]:
        lease = Lease(self.deps, run_id, owner=uuid.uuid4().hex)
        try:
            # Inside: a cancelled `acquire` may have been granted all the same.
            await lease.renew()
            yield lease
        finally:
            await lease.release()

    async def _progress(self, run_id: RunId) -> Progress:
        return Progress.of(await self.deps.journal.read(run_id), self.deps.operation)

    async def _drive(self, progress: Progress, lease: Lease) -> None:
        if progress.run.final:
            return
        run = progress.run
        session = Session(self.deps, progress, lease, state=run.state, reason=run.reason, task=asyncio.current_task())
        self._live[run.run_id] = session
        try:
            async with asyncio.TaskGroup() as group:
                pulse = group.create_task(session.pulse(), name=f"pulse of {run.run_id}")
                await self._through_graph(session)
                pulse.cancel()
        except BaseExceptionGroup as many:
            raise _first(many) from many
        finally:
            del self._live[run.run_id]

    async def _through_graph(self, session: Session) -> None:
        from steersman.engines.local.graph import travel

        await travel(session, self.checkpoints)

    async def _say_cancelled(self, run_id: RunId, reason: str) -> bool:
        try:
            async with self._leased(run_id):
                run = await self.show(run_id)
                if run.state == "cancelled" or not run.final:
                    await self.deps.journal.append(run_id, RunMoved(state="cancelled", reason=_standing(run, reason)))
        except ConcurrencyError:
            return False
        return True

    async def _is_orphan(self, run_id: RunId) -> bool:
        run = await self.show(run_id)
        if run.state == "waiting" and run.approvals:
            approval = await self.deps.journal.approval(run.approvals[-1])
            return approval.state != "open" or approval.request.expires_at <= self.deps.clock.now()
        return run.state in ("planned", "running", "undoing")


def _load_graph() -> None:
    """Before a lease is taken: LangGraph takes seconds to load on a busy machine, and nothing renews it meanwhile."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    import steersman.engines.local.graph  # noqa: F401


def _standing(run: Run, reason: str) -> str:
    effects = [step for step, record in run.steps.items() if record.intent and (record.happened or record.open_intent)]
    if not effects:
        return f"{reason}; nothing was changed"
    return f"{reason}; the effects of {', '.join(map(repr, effects))} stand: `steer runs undo` takes them back"


def _first(many: BaseExceptionGroup[BaseException]) -> BaseException:
    """What stopped the run: a lost lease before anything else."""
    flat = [_first(error) if isinstance(error, BaseExceptionGroup) else error for error in many.exceptions]
    return next((error for error in flat if isinstance(error, ConcurrencyError)), flat[0])
