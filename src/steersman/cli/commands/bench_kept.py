"""Kept load runs: `steer bench show` tells and exports one, `steer bench forget` frees its name."""

from __future__ import annotations

from typing import Annotated

import typer

from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import Format, Output, emit, talk

Export = Annotated[
    list[str] | None,
    typer.Option(
        "--export",
        help="json=, junit=, markdown= or openmetrics=FILE; or pushgateway, remote_write alone; repeatable.",
    ),
]


def show(
    run_name: Annotated[str, typer.Argument(metavar="RUN", help="A kept run; `steer bench history` lists them.")],
    *,
    export: Export = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer yes as a recorded approval by you.")] = False,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """One kept run: figures, steps, verdict; also written for other tools."""
    from steersman.app.loads import kept
    from steersman.app.settings import load
    from steersman.cli import bench_exporting, benching
    from steersman.cli.frame import go
    from steersman.cli.render.bench import summary
    from steersman.cli.render.bench_export import Told, payload, write
    from steersman.cli.render.words import language

    files, pushes = bench_exporting.parted(export or ())
    settings = load()
    told, lang = Told(*kept(settings, run_name)), language("", settings.language)
    for wanted in files:
        talk(f"written: {write(told, wanted)}")

    async def work() -> int:
        async with app_here(lab, env) as here:
            bench_exporting.must_reach(here, pushes)
            await bench_exporting.push(here, [told], pushes, benching.Asking(yes=yes, lang=lang))
            return 0

    if pushes:
        go(work())
    emit(payload(told), output, lambda: summary(told.profile, told.result, told.verdict, lang))


def forget(
    run_name: Annotated[str, typer.Argument(metavar="RUN", help="A kept run; `steer bench history` lists them.")],
    *,
    call_id: Annotated[str, typer.Option("--call-id", help="Take up a call that waited for approval.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer yes as a recorded approval by you.")] = False,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Delete a kept run with its figures, through the gate; its name can be used again."""
    from steersman.app.loads import kept
    from steersman.app.settings import load
    from steersman.cli.benching import Asking, perform
    from steersman.cli.frame import go
    from steersman.cli.render.words import language

    settings = load()
    result = kept(settings, run_name)[1]
    asking = Asking(call_id, yes, language("", settings.language))

    async def work() -> int:
        async with app_here(lab, env) as here:
            answer = await perform(here, f"{result.generator}.cancel_run", {"name": result.name}, asking)
            emit(answer, output, lambda: f"{result.generator}/{result.name} -")
            return 0

    raise typer.Exit(go(work()))
