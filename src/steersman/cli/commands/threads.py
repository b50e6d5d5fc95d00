"""`steer threads`: conversations that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.commands.ask import TeamName
from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from pydantic import JsonValue
    from rich.table import Table

    from steersman.index.threads import ThreadStore

app = group("Conversations: list, show, forget.")
apps = {"threads": app}


@app.command("list")
def list_(
    *,
    team: TeamName = "",
    limit: Annotated[int, typer.Option("--limit", help="At most so many, newest first.")] = 20,
    output: Output = Format.table,
) -> None:
    """Your threads, or those of a team, newest first."""
    from steersman.cli.conversing import namespace_of

    with _store() as store:
        rows: list[JsonValue] = [
            each.model_dump(mode="json") for each in store.threads(namespace_of(team), limit=limit)
        ]
    emit(rows, output, lambda: _table(rows))


@app.command()
def show(thread: str, *, team: TeamName = "", output: Output = Format.table) -> None:
    """What was said in a thread, and what is kept of it in few words."""
    from rich.text import Text

    from steersman.cli.conversing import namespace_of
    from steersman.cli.render.text import untrusted

    with _store() as store:
        found = store.thread(namespace_of(team), thread)
        turns = store.turns(namespace_of(team), found.id)
        summary = store.summary(namespace_of(team), found.id)
    payload: JsonValue = {
        **found.model_dump(mode="json"),
        "said": [turn.model_dump(mode="json") for turn in turns],
        "summary": summary.model_dump(mode="json"),
    }
    lines = [f"{turn.number:>3} {turn.author} ({turn.origin}): {untrusted(turn.text, 2_000)}" for turn in turns]
    emit(payload, output, lambda: Text("\n".join(lines)))


@app.command()
def forget(
    *,
    thread: Annotated[str, typer.Option("--thread", help="This thread.")] = "",
    words: Annotated[str, typer.Option("--words", help="Every turn that holds these words.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All of your threads, or of the team's.")] = False,
    team: TeamName = "",
) -> None:
    """Forget for good: content is overwritten in the file, and summaries that told of it are dropped."""
    from steersman.cli.conversing import namespace_of
    from steersman.domain.errors import InputError

    if not (thread or words or everything):
        raise InputError("say what: --thread ID, --words TEXT or --all")
    with _store() as store:
        count = store.forget(namespace_of(team), thread=thread, words=words)
    talk(f"forgot {count} turns")


def _store() -> AbstractContextManager[ThreadStore]:
    from contextlib import contextmanager

    from steersman.app.settings import load
    from steersman.index.threads import FILE, ThreadStore

    @contextmanager
    def opened() -> Iterator[ThreadStore]:
        store = ThreadStore(load().home / FILE)
        try:
            yield store
        finally:
            store.close()

    return opened()


def _table(rows: list[JsonValue]) -> Table:
    from rich.table import Table

    from steersman.cli.render.text import untrusted

    drawn = Table("thread", "last", "turns", "about", box=None, pad_edge=False)
    for row in rows:
        if isinstance(row, dict):
            about = untrusted(str(row["title"]), 80)
            drawn.add_row(str(row["id"]), str(row["updated_at"])[:16], str(row["turns"]), about)
    return drawn
