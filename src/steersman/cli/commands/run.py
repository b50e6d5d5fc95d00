"""`steer run`: plans or reads a plan, asks, does it, watches it, undoes it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.commands.plan import FileOption, GoalText, ParameterOption, PlanFormat, ScenarioOption, make, show
from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import Format, Output, interactive, single, talk, talk_console

if TYPE_CHECKING:
    from steersman.app.wiring import App
    from steersman.domain.plan import Plan
    from steersman.domain.run import Run

Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Answer yes as a recorded approval by you; never overrides policy.")
]


class DryRun(StrEnum):
    """How far a rehearsal goes."""

    none = "none"
    client = "client"
    server = "server"


def run(
    goal: GoalText = "",
    *,
    scenario: ScenarioOption = "",
    parameter: ParameterOption = None,
    file: FileOption = None,
    dry_run: Annotated[DryRun, typer.Option("--dry-run", help="client computes, server lets the tool rehearse.")] = (
        DryRun.none
    ),
    yes: Yes = False,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Make or read a plan, ask for approval, do it, watch it, and undo it when it goes wrong."""
    from steersman.cli.frame import go

    async def work() -> int:
        async with app_here(lab, env) as app:
            made = await make(app, goal, scenario=scenario, parameters=parameter, file=file)
            if output is Format.table:
                show(app, made, PlanFormat.card)
            if dry_run is not DryRun.none:
                from steersman.cli.rehearsal import rehearse

                await rehearse(app, made, output)
                return 0
            return await carry_out(app, made, yes=yes, output=output)

    raise typer.Exit(go(work()))


async def carry_out(app: App, plan: Plan, *, yes: bool, output: Format) -> int:
    """Runs a plan as a new run, to where it can go no further by itself; gives back the exit code."""
    from steersman.app.wiring import new_run_id
    from steersman.cli.watching import watched

    run_id = new_run_id()
    talk(f"run {run_id}")
    done = await watched(app, plan, run_id, live=output is Format.table)
    if done.state == "waiting" and await answered(app, done, yes=yes):
        done = await watched(app, plan, run_id, live=output is Format.table)
    if done.state == "rolled_back" and app.world.signals:
        done = await explained(app, done)
    await report(app, done, output)
    return int(done.exit_code)


async def explained(app: App, run: Run) -> Run:
    """The run with what was found to have caused its undoing, shown; as it was where telemetry does not answer."""
    from steersman.cli.investigating import investigate_run
    from steersman.cli.render.causes import causes
    from steersman.cli.render.words import language
    from steersman.domain.errors import SteersmanError
    from steersman.domain.run import fold

    try:
        found = await investigate_run(app, run)
    except SteersmanError as e:
        talk(f"no cause was looked for: {e}")
        return run
    talk_console().print(causes(found, language(run.plan.goal, app.settings.language)))
    return fold(await app.journal.read(run.run_id))


async def answered(app: App, waiting: Run, *, yes: bool) -> bool:
    """Whether the person at hand approved; without one the run keeps waiting."""
    from rich.prompt import Confirm

    from steersman.cli.render.words import language, word

    lang = language(waiting.plan.goal, app.settings.language)
    approval_id = waiting.approvals[-1]
    if not yes:
        talk(f"{word('approval_needed', lang)}: {word('approve_how', lang).format(id=approval_id)}")
        if not interactive() or not Confirm.ask(word("approve_question", lang), console=talk_console(), default=False):
            return False
    await app.desk.vote(approval_id, app.user, "approve", comment="--yes" if yes else "at the prompt")
    talk(word("approved_by", lang).format(who=app.user.id))
    return True


async def report(app: App, run: Run, output: Format) -> None:
    """Prints how a run stands."""
    from steersman.cli.commands.runs import print_run

    approvals = [await app.journal.approval(each) for each in run.approvals]
    print_run(run, approvals, output, app.settings.language)


apps = {"run": single(run)}
