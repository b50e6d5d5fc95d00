"""`steer scenarios`: the knowledge base, as it is read. What changes it is in `scenario_writing`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.commands import scenario_writing as writing
from steersman.cli.output import Format, Output, emit, group, talk

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.table import Table

    from steersman.index.base import KnowledgeBase
    from steersman.knowledge.shelf import Entry

app = group("The knowledge base: list, show, search, stats, export; add, import, remove, validate, learn, reindex.")
apps = {"scenarios": app}
Namespace = writing.Namespace
LONGEST_CELL = 90


@app.command("list")
def list_(
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 1_000,
    namespace: Namespace = "",
    output: Output = Format.table,
) -> None:
    """All scenarios: those that are shipped, and your own, which stand before shipped ones of the same id."""
    rows: list[JsonValue] = [_row(entry) for entry in base(namespace).entries()[:limit]]
    emit(rows, output, lambda: _table(rows))


@app.command()
def show(scenario_id: str, *, namespace: Namespace = "", output: Output = Format.table) -> None:
    """One scenario, whole, with what stays text in it and what became of its runs."""
    from rich.pretty import Pretty

    from steersman.knowledge.document import plain
    from steersman.knowledge.elaborate import unread

    entry = base(namespace).show(scenario_id)
    held = plain(entry.scenario)
    payload: dict[str, JsonValue] = {
        **(held if isinstance(held, dict) else {}),
        "from": _from(entry),
        "outcomes": entry.outcomes.model_dump(),
        "left": [item.model_dump() for item in unread(entry.scenario)],
    }
    emit(payload, output, lambda: Pretty(payload, expand_all=True))


@app.command()
def search(
    goal: Annotated[str, typer.Argument(help="What is wanted, in Korean or English.")],
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 5,
    memories: Annotated[
        bool, typer.Option("--memories", help="Past runs and incidents instead: have we seen this before?")
    ] = False,
    namespace: Namespace = "",
    output: Output = Format.table,
) -> None:
    """Scenarios that fit a goal, best first, and why; an empty list when nothing fits."""
    from steersman.app.scenarios import Knowledge
    from steersman.app.settings import load
    from steersman.knowledge.fit import Ask

    knowledge = Knowledge(load(), namespace)
    held = knowledge.memories if memories else knowledge.base
    found = held.search(Ask(goal=goal, limit=limit))
    rows: list[JsonValue] = [
        {"id": match.scenario.id, "score": round(match.score, 3), "why": [*match.why]} for match in found
    ]
    emit(rows, output, lambda: _table(rows) if rows else "nothing fits")


@app.command()
def stats(*, namespace: Namespace = "", output: Output = Format.table) -> None:
    """How many scenarios there are, and what their runs came to."""
    from rich.console import Group

    held = base(namespace)
    tried = [entry for entry in held.entries() if entry.outcomes.tried]
    rows: list[JsonValue] = [{"id": entry.scenario.id, **entry.outcomes.model_dump()} for entry in tried]
    payload: dict[str, JsonValue] = {**held.stats(), "runs": rows}
    totals: list[JsonValue] = [{"what": name, "count": count} for name, count in held.stats().items()]
    emit(payload, output, lambda: Group(_table(totals), *([_table(rows)] if rows else [])))


@app.command()
def export(
    scenario_id: Annotated[str, typer.Argument(metavar="[ID]", help="Without one: all of your own.")] = "",
    *,
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write one file each to; without it stdout.")
    ] = None,
    namespace: Namespace = "",
    output: Annotated[Format, typer.Option("-o", "--output", help="yaml or json, as `add` and `import` read it.")] = (
        Format.yaml
    ),
) -> None:
    """Scenarios as they would be added."""
    import yaml

    from steersman.knowledge.document import plain

    held = base(namespace)
    entries = [held.show(scenario_id)] if scenario_id else [each for each in held.entries() if not each.builtin]
    payload = [plain(entry.scenario) for entry in entries]
    if to is not None:
        _write(entries, to)
    elif output is Format.json:
        print(json.dumps(payload[0] if scenario_id else payload, ensure_ascii=False, indent=2))
    else:
        text = yaml.safe_dump(payload[0] if scenario_id else payload, allow_unicode=True, sort_keys=False, width=100)
        print(text, end="")


def base(namespace: str) -> KnowledgeBase:
    """The configured knowledge base."""
    from steersman.app.scenarios import Knowledge
    from steersman.app.settings import load

    return Knowledge(load(), namespace).base


def _write(entries: Sequence[Entry], folder: Path) -> None:
    from steersman.knowledge.document import write

    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        (folder / f"{entry.scenario.id}.yaml").write_text(write(entry.scenario), encoding="utf-8")
    talk(f"{len(entries)} written to {folder}")


def _row(entry: Entry) -> JsonValue:
    scenario = entry.scenario
    return {
        "id": scenario.id,
        "goal": scenario.goals.get("en") or scenario.goal,
        "platforms": ", ".join(sorted(scenario.labels.platforms)) or "any",
        "from": _from(entry),
    }


def _from(entry: Entry) -> str:
    if entry.builtin:
        return "shipped"
    reviewer = entry.scenario.provenance.reviewed_by
    return f"yours, reviewed by {reviewer}" if reviewer else "yours, not reviewed"


def _table(rows: Sequence[JsonValue]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from steersman.cli.render.text import untrusted

    first = rows[0] if rows else {}
    drawn = Table(*(first if isinstance(first, dict) else {}), box=None, pad_edge=False)
    for row in rows:
        if isinstance(row, dict):
            cells = (", ".join(map(str, v)) if isinstance(v, list) else str(v) for v in row.values())
            drawn.add_row(*(Text(untrusted(cell, LONGEST_CELL)) for cell in cells))
    return drawn


app.command("add")(writing.add)
app.command("import")(writing.import_)
app.command("remove")(writing.remove)
app.command("validate")(writing.validate)
app.command("learn")(writing.learn)
app.command("reindex")(writing.reindex)
