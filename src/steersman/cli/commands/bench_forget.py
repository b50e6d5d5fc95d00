"""`steer bench forget`: a kept load run goes, and its name is free again."""

from __future__ import annotations

from typing import Annotated

import typer

from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import Format, Output, emit


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
