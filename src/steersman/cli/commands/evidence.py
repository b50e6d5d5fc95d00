"""`steer evidence`: what investigations rest on: listed, shown, asked again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue
    from rich.table import Table

    from steersman.app.verification import Checked
    from steersman.domain.finding import Investigation

app = group("What investigations rest on: list, show, verify.")
apps = {"evidence": app}
IncidentId = Annotated[str, typer.Argument(metavar="INCIDENT", help="Id of the incident; `last` is the newest.")]


@app.command("list")
def list_(
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="At most so many.")] = 20,
    output: Output = Format.table,
) -> None:
    """Incidents that were investigated, the newest first."""
    from steersman.cli.frame import go

    rows = go(_incidents(limit))
    emit(rows, output, lambda: _incident_table(rows))


@app.command()
def show(
    incident: IncidentId,
    *,
    report: Annotated[Path | None, typer.Option("--report", help="Write a postmortem draft in Markdown.")] = None,
    output: Output = Format.table,
) -> None:
    """The last investigation of an incident, with its evidence."""
    from steersman.app.settings import load
    from steersman.cli.frame import go
    from steersman.cli.investigating import as_json
    from steersman.cli.render.causes import causes
    from steersman.cli.render.postmortem import postmortem
    from steersman.cli.render.words import language

    found = go(_last(incident))
    lang = language(found.question, load().language)
    if report is not None:
        report.write_text(postmortem(found, (), lang), encoding="utf-8")
        talk(f"postmortem draft written to {report}")
    emit(as_json(found), output, lambda: causes(found, lang))


@app.command()
def verify(incident: IncidentId, *, output: Output = Format.table) -> None:
    """Ask every cited query again, of the same systems; exits 1 when one no longer holds, 7 when one is unanswered."""
    from steersman.cli.frame import go

    found = go(_last(incident))
    checked = go(_verify(found))
    rows: list[JsonValue] = [each.model_dump(mode="json") for each in checked]
    emit({"incident_id": found.incident_id, "evidence": rows}, output, lambda: _table(found, checked))
    states = {each.state for each in checked}
    raise typer.Exit(1 if states & {"changed", "gone"} else 7 if "unanswered" in states else 0)


async def _verify(found: Investigation) -> Sequence[Checked]:
    from steersman.app.captures import GatedCapture, captured
    from steersman.app.places import connected_again
    from steersman.app.settings import load
    from steersman.app.verification import verify as ask_again
    from steersman.app.wiring import new_run_id, open_app
    from steersman.domain.errors import InputError

    asked, settings = found.asked, load()
    if asked is not None and asked.capture:
        async with captured(Path(asked.capture)) as capture, open_app(settings, capture.connection) as here:
            return await ask_again(found, GatedCapture(here, capture.toolset))
    if asked is None or asked.environment is None:
        raise InputError(f"{found.incident_id!r} does not say where it was looked at; investigate it again")
    async with connected_again(settings, asked.environment) as connection, open_app(settings, connection) as here:
        if here.world.environment.uid != asked.environment.uid:
            talk("! the environment of that name is made of other systems now than when it was investigated")
        return await ask_again(found, here.source(new_run_id("verify")))


async def _last(incident: str) -> Investigation:
    from steersman.app.settings import load
    from steersman.app.store import open_journal
    from steersman.domain.errors import InputError
    from steersman.domain.ids import IncidentId as Id

    async with open_journal(load()) as journal:
        wanted = Id(incident)
        if incident == "last":
            newest = await journal.incidents(limit=1)
            wanted = newest[0].id if newest else wanted
        found = await journal.investigations(wanted)
    if not found:
        raise InputError(f"there is no investigated incident {incident!r}; `steer evidence list` shows them")
    return found[-1]


async def _incidents(limit: int) -> list[JsonValue]:
    from steersman.app.settings import load
    from steersman.app.store import open_journal

    rows: list[JsonValue] = []
    async with open_journal(load()) as journal:
        for each in await journal.incidents(limit=limit):
            found = await journal.investigations(each.id)
            if found:
                last = found[-1]
                first = last.root_causes[0] if last.root_causes else None
                rows.append(
                    {
                        "incident_id": each.id,
                        "started_at": each.started_at.isoformat(),
                        "question": last.question,
                        "result": last.result,
                        "service": first.service if first else "",
                        "kind": first.kind if first else "",
                        "investigations": len(found),
                    }
                )
    return rows


def _incident_table(rows: list[JsonValue]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from steersman.cli.render.text import untrusted

    drawn = Table(box=None, pad_edge=False)
    names = ("incident_id", "started_at", "result", "service", "kind", "question")
    for name in names:
        drawn.add_column(name)
    for row in rows:
        if isinstance(row, dict):
            drawn.add_row(*(Text(untrusted(str(row[name]), 60)) for name in names))
    return drawn


def _table(found: Investigation, checked: Sequence[Checked]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from steersman.app.settings import load
    from steersman.cli.render.text import untrusted
    from steersman.cli.render.words import language, word

    lang = language(found.question, load().language)
    drawn = Table(box=None, pad_edge=False, show_header=False)
    styles = {"holds": "green", "changed": "yellow", "gone": "red", "unanswered": "yellow"}
    for each in checked:
        now = f" → {untrusted(each.now, 80)}" if each.state == "changed" else ""
        drawn.add_row(
            Text(each.id, "cyan"),
            Text(word(each.state, lang), styles[each.state]),
            Text(untrusted(each.was, 100) + now),
        )
    return drawn
