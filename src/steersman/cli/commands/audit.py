"""`steer audit`: whether the journal is what was written, its export, its keys, and how long it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.table import Table

app = group("The journal: verify, export, rotate keys, retire old runs.")
apps = {"audit": app}


@app.command()
def verify(output: Output = Format.table) -> None:
    """Find every edit, deletion, insertion, change of order and truncation; exits 1 when there is one."""
    from steersman.app.settings import load
    from steersman.app.store import problems

    found = problems(load())
    rows: list[JsonValue] = [each.model_dump(mode="json") for each in found]
    emit(rows, output, lambda: _table(rows) if rows else "the journal is what was written")
    raise typer.Exit(1 if found else 0)


@app.command()
def export(to: Annotated[Path | None, typer.Option("--to", help="File to write; without it stdout.")] = None) -> None:
    """The journal as JSON lines, oldest first, each line verified."""
    from steersman.app.settings import load
    from steersman.app.store import keyring
    from steersman.journal.audit import export as lines

    settings = load()
    found = lines(settings.home / "journal.db", keyring(settings))
    if to is None:
        for line in found:
            print(line)
        return
    with to.open("w", encoding="utf-8") as file:
        count = sum(1 for line in found if file.write(line + "\n"))
    talk(f"{count} entries written to {to}")


@app.command("rotate-key")
def rotate_key() -> None:
    """Sign with a new key from now on; old keys go on to verify."""
    from steersman.app.settings import load
    from steersman.app.store import keyring_path
    from steersman.journal.keyring import rotate

    talk(f"signing with key {rotate(keyring_path(load())).current}")


@app.command()
def retire(
    before_days: Annotated[float, typer.Option("--before-days", help="Finished longer ago than this.")],
    archive: Annotated[Path, typer.Option("--archive", help="File that the entries are moved to, as JSON lines.")],
) -> None:
    """Move old finished runs out of the journal into an archive; the chain still verifies."""
    from datetime import timedelta

    from steersman.app.settings import load
    from steersman.app.store import CLOCK, open_journal
    from steersman.cli.frame import go

    async def work() -> int:
        async with open_journal(load()) as journal:
            return await journal.retire(before=CLOCK.now() - timedelta(days=before_days), archive=archive)

    talk(f"{go(work())} run(s) moved to {archive}")


def _table(rows: list[JsonValue]) -> Table:
    from rich.table import Table

    drawn = Table("kind", "entry", "what", box=None, pad_edge=False)
    for row in rows:
        if isinstance(row, dict):
            drawn.add_row(str(row.get("code", "")), str(row.get("seq") or ""), str(row.get("reason", "")))
    return drawn
