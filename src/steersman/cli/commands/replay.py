"""`steer replay`: a run told again, from its journal alone."""

from __future__ import annotations

from typing import Annotated

import typer

from steersman.cli.commands.runs import RunArgument
from steersman.cli.output import Format, Output, emit, single


def replay(
    run_id: RunArgument,
    *,
    speed: Annotated[float, typer.Option("--speed", min=0, help="Times as fast as it was; 0 tells at once.")] = 0.0,
    output: Output = Format.table,
) -> None:
    """Tell a run again, event by event; nothing is called."""
    import time

    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.cli.commands.runs import known
    from steersman.cli.frame import go
    from steersman.cli.render.report import line_of
    from steersman.cli.render.words import language
    from steersman.domain.event import Entry
    from steersman.domain.ids import RunId

    settings = load()

    async def work() -> list[Entry]:
        async with open_journal(settings) as journal:
            return [*known(run_id, await journal.read(RunId(run_id)))]

    entries = go(work())
    if output is not Format.table:
        emit([entry.model_dump(mode="json") for entry in entries], output, lambda: "")
        return
    lang, before = language("", settings.language), entries[0].at
    for entry in entries:
        if speed:
            time.sleep(max(0.0, (entry.at - before).total_seconds() / speed))
        before, line = entry.at, line_of(entry, lang)
        if line:
            print(line, flush=True)


apps = {"replay": single(replay)}
