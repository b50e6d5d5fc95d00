"""`steer runs`: what was done, what is being done, and going on, cancelling, undoing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.here import app_of
from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.console import RenderableType
    from rich.table import Table

    from steersman.app.wiring import App
    from steersman.domain.approval import Approval
    from steersman.domain.event import Entry
    from steersman.domain.finding import Investigation
    from steersman.domain.run import Run
    from steersman.journal.sql import SqlJournal

app = group("Runs: list, show, watch, resume, cancel, undo, export.")
apps = {"runs": app}
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run; `steer runs list` shows them.")]
LEASE_WAITS = 18
"""Seconds: a lease lasts 15."""
Reason = Annotated[str, typer.Option("--reason", help="Why; stands in the journal.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option("--limit", help="At most so many.")] = 20, output: Output = Format.table
) -> None:
    """Runs, newest first."""
    from steersman.cli.frame import go

    runs = go(_runs(limit))
    payload: list[JsonValue] = [{"run_id": run.run_id, "state": run.state, "goal": run.plan.goal} for run in runs]
    emit(payload, output, lambda: _table(runs))


@app.command()
def show(run_id: RunArgument, output: Output = Format.table) -> None:
    """One run: steps, effects, verdicts, approvals, undo."""
    from steersman.app.settings import load
    from steersman.cli.frame import go

    run, approvals = go(read_run(run_id))
    print_run(run, approvals, output, load().language)


@app.command()
def watch(run_id: RunArgument) -> None:
    """Follow a run that goes on in another process, until it can go no further by itself."""
    from steersman.cli.frame import go

    raise typer.Exit(go(_watch(run_id)))


@app.command()
def resume(
    run_id: Annotated[str, typer.Argument(metavar="[RUN]", help="Without one: all that a crash left.")] = "",
    output: Output = Format.table,
) -> None:
    """Go on with a run that waited, was paused, or whose process died; nothing is done twice."""
    from steersman.cli.frame import go

    async def one() -> int:
        async with app_of(run_id) as (here, run):
            from steersman.cli.commands.run import report

            done = await _taken_over(here, run, live=output is Format.table)
            await report(here, done, output)
            return int(done.exit_code)

    raise typer.Exit(go(one() if run_id else _recover()))


async def _taken_over(here: App, run: Run, *, live: bool) -> Run:
    """Goes on with a run; waits for the lease of a process that died to run out, as nobody can see that it did.

    Raises ConcurrencyError when the lease is still another's then: that process lives.
    """
    import asyncio

    from steersman.cli.watching import watched
    from steersman.domain.errors import ConcurrencyError

    for number in range(LEASE_WAITS):
        try:
            return await watched(here, run.plan, run.run_id, live=live)
        except ConcurrencyError:
            if number == 0:
                talk(f"another process has or had {run.run_id}: waiting up to {LEASE_WAITS} s for its lease ...")
            await asyncio.sleep(1.0)
    return await watched(here, run.plan, run.run_id, live=live)


@app.command()
def cancel(run_id: RunArgument, reason: Reason = "cancelled by command", output: Output = Format.table) -> None:
    """Stop a run and leave its effects as they are."""
    from steersman.cli.frame import go

    async def work() -> int:
        async with app_of(run_id) as (here, run):
            return await _finish(here, await here.engine.cancel(run.run_id, reason=reason), output)

    raise typer.Exit(go(work()))


@app.command()
def undo(run_id: RunArgument, reason: Reason = "undo was asked for", output: Output = Format.table) -> None:
    """Take back what a run did, finished or not, in reverse order, each verified."""
    from steersman.cli.frame import go

    async def work() -> int:
        async with app_of(run_id) as (here, run):
            return await _finish(here, await here.engine.undo(run.run_id, reason=reason), output)

    raise typer.Exit(go(work()))


@app.command()
def export(
    run_id: RunArgument,
    to: Annotated[Path | None, typer.Option("--to", help="File to write; without it stdout.")] = None,
) -> None:
    """The report of a run as Markdown."""
    from steersman.cli.frame import go

    text = go(report_text(run_id))
    if to is None:
        print(text, end="")
    else:
        to.write_text(text, encoding="utf-8")
        talk(f"written to {to}")


async def report_text(run_id: str) -> str:
    """The Markdown report of a run."""
    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.cli.render.report import Story, markdown
    from steersman.cli.render.words import language
    from steersman.domain.ids import RunId
    from steersman.domain.run import fold

    settings = load()
    async with open_journal(settings) as journal:
        entries = await journal.read(RunId(run_id))
        run = fold(known(run_id, entries))
        approvals = [await journal.approval(each) for each in run.approvals]
        investigation = await _investigation(journal, run)
    return markdown(Story(run, entries, approvals, investigation), language(run.plan.goal, settings.language))


def print_run(run: Run, approvals: Sequence[Approval], output: Format, setting: str) -> None:
    """A run as people or programs want it."""
    from steersman.domain.run_view import run_json

    emit(run_json(run, approvals), output, lambda: _summary(run, setting))


def _summary(run: Run, setting: str) -> RenderableType:
    from rich.console import Group

    from steersman.app.store import CLOCK
    from steersman.cli.render.live import run_panel
    from steersman.cli.render.load_table import load_table
    from steersman.cli.render.words import language

    lang = language(run.plan.goal, setting)
    panel, loads = run_panel(run, (), run.finished_at or CLOCK.now(), lang), load_table(run, lang)
    return Group(panel, loads) if loads is not None else panel


def _table(runs: Sequence[Run]) -> Table:
    from rich.table import Table

    from steersman.cli.render.text import untrusted

    drawn = Table("run", "state", "began", "goal", "reason", box=None, pad_edge=False)
    for run in runs:
        drawn.add_row(
            run.run_id,
            run.state,
            f"{run.created_at:%Y-%m-%d %H:%M:%SZ}",
            untrusted(run.plan.goal, 50),
            untrusted(run.reason, 60),
        )
    return drawn


async def _runs(limit: int) -> list[Run]:
    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.domain.event import RunPlanned
    from steersman.domain.run import fold

    found: list[Run] = []
    async with open_journal(load()) as journal:
        for run_id in await journal.runs():
            entries = await journal.read(run_id)
            if entries and isinstance(entries[0].event, RunPlanned):
                found.append(fold(entries))
            if len(found) == limit:
                break
    return found


async def read_run(run_id: str) -> tuple[Run, list[Approval]]:
    """A run and its approvals. Raises InputError for an unknown one."""
    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.domain.ids import RunId
    from steersman.domain.run import fold

    async with open_journal(load()) as journal:
        run = fold(known(run_id, await journal.read(RunId(run_id))))
        return run, [await journal.approval(each) for each in run.approvals]


def known(run_id: str, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries. Raises InputError when there are none."""
    from steersman.domain.errors import InputError

    if not entries:
        raise InputError(f"there is no run {run_id!r}; `steer runs list` shows them")
    return entries


async def _investigation(journal: SqlJournal, run: Run) -> Investigation | None:
    """The newest investigation of this run; the run itself is the alert."""
    known = [each for each in await journal.incidents(limit=1_000) if each.fingerprint == run.run_id]
    found = await journal.investigations(known[0].id) if known else ()
    return found[-1] if found else None


async def _watch(run_id: str) -> int:
    from steersman.app.settings import load
    from steersman.app.store import CLOCK, open_journal
    from steersman.cli.render.report import line_of
    from steersman.cli.render.words import language
    from steersman.domain.ids import RunId
    from steersman.engines.local.follow import follow

    settings = load()
    run, _ = await read_run(run_id)
    lang = language(run.plan.goal, settings.language)
    async with open_journal(settings) as journal:
        async for entry in follow(journal, RunId(run_id), clock=CLOCK):
            line = line_of(entry, lang)
            if line:
                print(line, flush=True)
    run, _ = await read_run(run_id)
    return int(run.exit_code)


async def _recover() -> int:
    from steersman.cli.here import app_here

    async with app_here() as here:
        runs = await here.engine.recover()
    for run in runs:
        talk(f"{run.run_id}: {run.state}" + (f": {run.reason}" if run.reason else ""))
    talk(f"{len(runs)} run(s) taken up")
    return max((int(run.exit_code) for run in runs), default=0)


async def _finish(here: App, run: Run, output: Format) -> int:
    from steersman.cli.commands.run import report

    await report(here, run, output)
    return int(run.exit_code)
