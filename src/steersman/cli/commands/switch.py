"""`steer stop-all`, `steer start-all`: the kill switch."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from steersman.cli.output import single


def stop_all(
    *,
    hard: Annotated[bool, typer.Option("--hard", help="Stop undo as well.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; stands in the journal.")] = "",
) -> None:
    """Stop all new work in every process; undo goes on unless --hard."""
    _set("hard" if hard else "stop", reason)
    typer.echo("stopped: nothing new starts" + (", undo neither" if hard else "; undo goes on"))


def start_all(reason: Annotated[str, typer.Option("--reason", help="Why; stands in the journal.")] = "") -> None:
    """Let work go on again; `steer runs resume` takes up what was parked."""
    _set("off", reason)
    typer.echo("started: work goes on; `steer runs resume RUN` takes up what was parked")


def _set(level: Literal["off", "stop", "hard"], reason: str) -> None:
    from steersman.app.settings import load
    from steersman.app.store import local_id, open_journal
    from steersman.cli.frame import go

    async def work() -> None:
        async with open_journal(load()) as journal:
            await journal.set_level(level, by=local_id(), reason=reason)

    go(work())


apps = {"stop-all": single(stop_all), "start-all": single(start_all)}
