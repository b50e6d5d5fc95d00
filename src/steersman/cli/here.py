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


@asynccontextmanager
async def app_here(lab: str = "", uid: str = "") -> AsyncIterator[App]:
    """The application, connected to a lab by name or uid, or to the only one that is up."""
    from steersman.app.labs import connected
    from steersman.app.settings import load
    from steersman.app.wiring import open_app

    settings = load()
    async with connected(settings, name=lab, uid=uid) as connection, open_app(settings, connection) as app:
        yield app


@asynccontextmanager
async def app_of(run_id: str) -> AsyncIterator[tuple[App, Run]]:
    """The application, connected to where a run belongs, and the run."""
    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.domain.errors import InputError
    from steersman.domain.ids import RunId
    from steersman.domain.run import fold

    async with open_journal(load()) as journal:
        entries = await journal.read(RunId(run_id))
    if not entries:
        raise InputError(f"there is no run {run_id!r}; `steer runs list` shows them")
    run = fold(entries)
    async with app_here(uid=run.plan.environment.uid) as app:
        yield app, run
