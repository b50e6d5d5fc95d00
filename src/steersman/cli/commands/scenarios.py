"""`steer scenarios`: the knowledge base."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue
    from rich.table import Table

    from steersman.knowledge.document import Loaded
    from steersman.knowledge.shelf import Shelf

app = group("The knowledge base: list, show, search, add, validate, export.")
apps = {"scenarios": app}
Source = Annotated[Path, typer.Argument(help="A JSON or YAML file, a folder of them, or - for standard input.")]


@app.command("list")
def list_(output: Output = Format.table) -> None:
    """All scenarios: those that are shipped, and your own."""
    entries = sorted(_shelf().entries.values(), key=lambda entry: entry.scenario.id)
    rows: list[JsonValue] = [
        {
            "id": entry.scenario.id,
            "goal": entry.scenario.goals.get("en") or entry.scenario.goal,
            "platforms": ", ".join(sorted(entry.scenario.labels.platforms)) or "any",
            "from": "shipped" if entry.builtin else "yours",
        }
        for entry in entries
    ]
    emit(rows, output, lambda: _table(rows))


@app.command()
def show(scenario_id: str, output: Output = Format.table) -> None:
    """One scenario, whole."""
    from rich.pretty import Pretty

    from steersman.domain.errors import InputError
    from steersman.domain.ids import ScenarioId

    entry = _shelf().entries.get(ScenarioId(scenario_id))
    if entry is None:
        raise InputError(f"there is no scenario {scenario_id!r}; `steer scenarios search` finds one")
    payload = entry.scenario.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    emit(payload, output, lambda: Pretty(payload, expand_all=True))


@app.command()
def search(
    goal: Annotated[str, typer.Argument(help="What is wanted, in Korean or English.")],
    *,
    limit: Annotated[int, typer.Option("--limit", help="At most so many.")] = 5,
    output: Output = Format.table,
) -> None:
    """Scenarios that fit a goal, best first, and why; an empty list when nothing fits."""
    from steersman.knowledge.recall import recall

    found = recall(goal, None, shelf=_shelf())[:limit]
    rows: list[JsonValue] = [
        {"id": match.scenario.id, "score": round(match.score, 3), "why": [*match.why]} for match in found
    ]
    emit(rows, output, lambda: _table(rows) if rows else "nothing fits")


@app.command()
def add(
    source: Source,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of one with the same id.")] = False,
) -> None:
    """Keep scenarios of your own; what is wrong with one does not keep the others out. Exits 2 when one was wrong."""
    from steersman.app.scenarios import add as keep
    from steersman.app.settings import load

    loaded, settings = _read(source), load()
    for scenario in loaded.scenarios:
        talk(f"added {scenario.id}: {keep(settings, scenario, replace=replace)}")
    _report(loaded)


@app.command()
def validate(source: Source) -> None:
    """Read scenarios and say what is wrong, with file, line, field and remedy; keeps nothing."""
    loaded = _read(source)
    talk(f"{len(loaded.scenarios)} valid")
    _report(loaded)


@app.command()
def export(scenario_id: str) -> None:
    """One scenario as JSON, as it would be added."""
    from steersman.domain.errors import InputError
    from steersman.domain.ids import ScenarioId
    from steersman.knowledge.document import write

    entry = _shelf().entries.get(ScenarioId(scenario_id))
    if entry is None:
        raise InputError(f"there is no scenario {scenario_id!r}; `steer scenarios search` finds one")
    print(write(entry.scenario), end="")


def _shelf() -> Shelf:
    from steersman.app.scenarios import shelf
    from steersman.app.settings import load

    found, defects = shelf(load())
    for defect in defects:
        talk(f"steer: {defect}")
    return found


def _read(source: Path) -> Loaded:
    from steersman.index.files import load
    from steersman.knowledge.document import read

    return read(sys.stdin.read()) if str(source) == "-" else load(source)


def _report(loaded: Loaded) -> None:
    for defect in loaded.defects:
        talk(f"steer: {defect}")
    if loaded.defects or not loaded.scenarios:
        raise typer.Exit(2)


def _table(rows: Sequence[JsonValue]) -> Table:
    from rich.table import Table

    first = rows[0] if rows else {}
    drawn = Table(*(first if isinstance(first, dict) else {}), box=None, pad_edge=False)
    for row in rows:
        if isinstance(row, dict):
            drawn.add_row(*(", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in row.values()))
    return drawn
