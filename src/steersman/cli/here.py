"""The application for the environment that a command is about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from steersman.app.wiring import App
    from steersman.domain.run import Run

LabName = Annotated[str, typer.Option("--lab", help="Which lab, where several are up.")]
EnvironmentName = Annotated[
    str, typer.Option("--env", help="Which of the configured `environments`; else the default one, else the lab.")
]


@asynccontextmanager
async def app_here(lab: str = "", env: str = "") -> AsyncIterator[App]:
    """The application, connected to a configured environment, or to the lab of that name or the only one that is up."""
    from steersman.app.places import connected
    from steersman.app.settings import load
    from steersman.app.wiring import open_app

    settings = load()
    async with connected(settings, env=env, lab=lab) as connection, open_app(settings, connection) as app:
        yield app


@asynccontextmanager
async def app_for(operation: str, lab: str = "", env: str = "") -> AsyncIterator[App]:
    """The application where one operation can be called: an imported API stands for itself."""
    from steersman.app.places import connected_for
    from steersman.app.settings import load
    from steersman.app.wiring import open_app

    settings = load()
    async with (
        connected_for(settings, operation, env=env, lab=lab) as connection,
        open_app(settings, connection) as app,
    ):
        yield app


@asynccontextmanager
async def app_of(run_id: str) -> AsyncIterator[tuple[App, Run]]:
    """The application, connected to where a run belongs, and the run."""
    from steersman.app.places import connected_again
    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.app.wiring import open_app
    from steersman.domain.errors import InputError
    from steersman.domain.ids import RunId
    from steersman.domain.run import fold

    settings = load()
    async with open_journal(settings) as journal:
        entries = await journal.read(RunId(run_id))
    if not entries:
        raise InputError(f"there is no run {run_id!r}; `steer runs list` shows them")
    run = fold(entries)
    async with connected_again(settings, run.plan.environment) as connection, open_app(settings, connection) as app:
        yield app, run
