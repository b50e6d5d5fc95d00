"""`steer backup`, `steer restore`: a verified copy of the journal, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steersman.cli.output import single, talk


def backup(to: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Copy the journal while it is used, and verify the copy."""
    from steersman.app.settings import load
    from steersman.app.store import keyring
    from steersman.journal.backup import backup as copy

    settings = load()
    copy(settings.home / "journal.db", to, keyring(settings))
    talk(f"copied and verified: {to}")


def restore(
    source: Annotated[Path, typer.Argument(help="A copy that `steer backup` made.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Also over a journal that has entries.")] = False,
) -> None:
    """Put a copy of the journal back, verified; refuses over one with entries unless forced."""
    from steersman.app.settings import load
    from steersman.app.store import keyring
    from steersman.journal.backup import restore as put_back

    settings = load()
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    put_back(source, settings.home / "journal.db", keyring(settings), force=force)
    talk(f"restored from {source}; runs that were under way then are settled by `steer runs resume`")


apps = {"backup": single(backup), "restore": single(restore)}
