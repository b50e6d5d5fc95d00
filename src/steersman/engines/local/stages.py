"""What the nodes of the graph do, without LangGraph: prepare, a phase, finish, undo.

Each begins from the journal, so that doing one again does nothing twice. Each gives back what comes next.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from steersman.domain.errors import (
    ApprovalNeededError,
    ConcurrencyError,
    GuardrailError,
    IntegrityError,
    SteersmanError,
    StoppedError,
)
from steersman.domain.ids import StepId
from steersman.domain.run import Run, fold
from steersman.engines.local.control import Halt, InterruptedWaitError
from steersman.engines.local.order import phases, within
from steersman.engines.local.scheduler import run_dag
from steersman.engines.local.session import Session
from steersman.engines.local.steps import StepRunner
from steersman.engines.local.undo import Undo, undo_grant
from steersman.engines.local.watch import Watch, breach

Next = Literal["go", "undo", "park", "end"]


async def prepare(session: Session) -> Next:
    """Looks where the run stands; before its first effect: invariants, drift, authority."""
    if session.progress.run.final:
        return "end"
    cause = session.progress.undo_cause or _unfinished_business(session.progress.run)
    if cause is not None:
        session.control.stop(Halt("undo", cause))
        return "undo"
    try:
        await session.learn_approvals()
        await _authorise(session)
    except (ConcurrencyError, IntegrityError):
        raise
    except InterruptedWaitError:
        return await halted(session)
    except SteersmanError as e:
        session.control.stop(_before_the_start(e))
        return await halted(session)
    if session.control.halted():
        return await halted(session)
    await session.move("running")
    return "go"


async def run_phase(session: Session, phase: str) -> Next:
    """Runs the steps of one phase that are not done."""
    progress = session.progress
    if session.control.halted():
        return await halted(session)
    steps = dict(phases(progress.plan))[phase]
    todo = within(steps, frozenset(progress.done))
    if todo:
        async with asyncio.TaskGroup() as group:
            session.group = group
            watcher = group.create_task(_watch(session), name="run-wide conditions")
            await run_dag(todo, StepRunner(session), session.control.halted)
            watcher.cancel()
    return await halted(session) if session.control.halted() else "go"


async def finish(session: Session) -> Next:
    """After the last step: run-wide conditions, invariants, the end."""
    try:
        if await Watch(session).settle_run_wide():
            with session.control.interruptible():
                broken = await session.reader.broken_invariant("after the last step")
            if broken:
                session.control.stop(Halt("undo", broken))
    except InterruptedWaitError:
        return await halted(session)
    except StoppedError as e:
        session.control.stop(Halt("pause", str(e)))
    if session.control.halted():
        return await halted(session)
    await session.move("done")
    return "end"


async def halted(session: Session) -> Next:
    """Journals why the run goes no further by itself, unless an undo comes next."""
    halt = session.control.halt
    assert halt is not None
    match halt.kind:
        case "undo" if session.progress.touched:
            return "undo"
        case "undo":
            await session.move("refused" if halt.refused else "failed", f"{halt.reason}; nothing was changed")
        case "wait":
            await session.move("waiting", halt.reason)
            return "park"
        case "pause":
            await session.move("paused", halt.reason)
            return "park"
        case "human":
            await session.move("needs_human", halt.reason)
            return "park"
        case "cancel":
            await session.move("cancelled", halt.reason)
        case "drain":
            pass
    return "end"


async def undo(session: Session) -> Next:
    """Takes the run's effects back and says what stands."""
    cause = session.control.halt.reason if session.control.halt is not None else session.progress.undo_cause or ""
    session.begin_undo()
    await session.move("undoing", cause)
    run = fold(await session.deps.journal.read(session.run_id))
    session.grant = session.grant or undo_grant(run)
    work = Undo(session, run)
    await work()
    if session.control.halted():
        return await halted(session)
    broken = None
    try:
        broken = await session.reader.broken_invariant("after the undo", undo=True)
    except StoppedError as e:
        session.control.stop(Halt("pause", str(e)))
        return await halted(session)
    stands = "; ".join(f"step {step!r} stands: {why}" for step, why in work.stands.items())
    if stands or broken:
        await session.move("partial_undo", "; ".join(part for part in (cause, stands, broken) if part))
    else:
        await session.move("rolled_back", cause)
    return "end"


async def _authorise(session: Session) -> None:
    progress, deps = session.progress, session.deps
    if not progress.touched:
        with session.control.interruptible():
            broken = await session.reader.broken_invariant("before the first step")
            if broken:
                raise GuardrailError(broken)
            await session.reader.refuse_drift()
    session.grant = await deps.authority.authorise(progress.plan, progress.run.run_id, progress.run.requester)


def _before_the_start(error: SteersmanError) -> Halt:
    match error:
        case ApprovalNeededError():
            return Halt("wait", str(error))
        case StoppedError():
            return Halt("pause", str(error))
        case _:
            return Halt("undo", str(error), refused=isinstance(error, GuardrailError))


def _unfinished_business(run: Run) -> str | None:
    """A failure that a former process journaled, and then died before it could act on it."""
    failed = next((record for record in run.steps.values() if record.state == "failed"), None)
    if failed is not None:
        return f"step {failed.step_id!r}: {failed.reason}"
    conditions = {condition.id: condition for condition in run.plan.conditions}
    latest: dict[tuple[str | None, StepId | None], str] = {}
    for verdict in run.verdicts:
        condition = conditions.get(verdict.condition) if verdict.condition is not None else None
        rolls_back = condition is not None and condition.reaction == "rollback" and verdict.result == "fail"
        latest[verdict.condition, verdict.step] = breach(condition, verdict) if condition and rolls_back else ""
    return next((why for why in latest.values() if why), None)


async def _watch(session: Session) -> None:
    try:
        await Watch(session).run_through()
    except InterruptedWaitError:
        return
