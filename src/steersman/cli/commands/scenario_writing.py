"""What changes the knowledge base: add, import, remove, learn, reindex; and validate, which only says what would."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from steersman.domain.scenario import Scenario
    from steersman.index.base import KnowledgeBase
    from steersman.knowledge.document import Loaded
    from steersman.knowledge.elaborate import Elaborated

Namespace = Annotated[str, typer.Option("--namespace", help="Whose scenarios; default is `knowledge.namespace`.")]
Source = Annotated[Path, typer.Argument(help="A JSON or YAML file, a folder of them, or - for standard input.")]
Reviewer = Annotated[str, typer.Option("--reviewed-by", help="Who vouches for them; else they are never used unasked.")]
LONGEST_LINE = 400


def add(
    source: Source,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of your own of the same id.")] = False,
    reviewed_by: Reviewer = "",
    namespace: Namespace = "",
    output: Output = Format.table,
) -> None:
    """Keep scenarios of your own; what is wrong with one does not keep the others out. Exits 2 when one was wrong."""
    held, loaded = _base(namespace), _read(source)
    fresh, taken = (loaded.scenarios, []) if replace else _unclaimed(held, loaded.scenarios)
    done = held.add(fresh, reviewed_by=reviewed_by or None)
    _told("added", done, output)
    for scenario_id in taken:
        talk(f"steer: you have another scenario {scenario_id!r}; --replace puts this one in its place")
    _report(loaded, wrong=bool(taken))


def import_(
    source: Source, *, reviewed_by: Reviewer = "", namespace: Namespace = "", output: Output = Format.table
) -> None:
    """Take over a folder or an export whole: your own of the same ids are replaced. Exits 2 when one was wrong."""
    add(source, replace=True, reviewed_by=reviewed_by, namespace=namespace, output=output)


def remove(scenario_id: str, *, namespace: Namespace = "") -> None:
    """Forget one of your own for good; a shipped one of the same id shows again."""
    _base(namespace).remove(scenario_id)
    talk(f"removed {scenario_id}")


def validate(source: Source, *, output: Output = Format.table) -> None:
    """Read scenarios and say what is wrong, with file, line, field and remedy, and what stays text; keeps nothing."""
    from steersman.knowledge.elaborate import elaborate

    loaded = _read(source)
    _told("valid", [elaborate(scenario) for scenario in loaded.scenarios], output)
    _report(loaded)


def learn(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run that is done.")],
    *,
    to: Annotated[Path | None, typer.Option("--to", help="File to write; default is under STEER_HOME.")] = None,
    namespace: Namespace = "",
    output: Output = Format.table,
) -> None:
    """Write a proposed scenario from a run that went well, for review. It enters nothing by itself."""
    from steersman.app.learning import propose
    from steersman.app.scenarios import Knowledge
    from steersman.app.settings import load
    from steersman.cli.commands.runs import read_run
    from steersman.cli.frame import go

    run, _ = go(read_run(run_id))
    proposal, path = propose(run, Knowledge(load(), namespace), to=to)
    payload: dict[str, JsonValue] = {
        "id": proposal.scenario.id,
        "file": str(path),
        "evidence": [*proposal.evidence],
        "parameters": [*proposal.generalised],
        "outcomes": proposal.outcomes.model_dump(),
    }
    emit(payload, output, lambda: f"proposed {proposal.scenario.id}: {path}\nreview it, then: steer scenarios add FILE")


def reindex() -> None:
    """Index all scenarios again for the configured embedder. A kill leaves the old index or the new one."""
    from steersman.app.scenarios import embedder
    from steersman.app.settings import load
    from steersman.domain.errors import InputError
    from steersman.index import opening

    settings = load()
    if settings.knowledge.url:
        raise InputError(
            "only the embedded store is indexed again in place; for a server: export, change the embedder, and import "
            "into another namespace"
        )
    count = opening.reindex(settings.home, embedder=embedder(settings))
    talk(f"{count} entries indexed")


def _base(namespace: str) -> KnowledgeBase:
    from steersman.app.scenarios import Knowledge
    from steersman.app.settings import load

    return Knowledge(load(), namespace).base


def _read(source: Path) -> Loaded:
    from steersman.index.files import load, load_stream

    return load_stream(sys.stdin.buffer) if str(source) == "-" else load(source)


def _unclaimed(held: KnowledgeBase, scenarios: Sequence[Scenario]) -> tuple[Sequence[Scenario], list[str]]:
    """Those that take no other's place, and the ids of those that would. The same one again takes nobody's."""
    from steersman.knowledge.elaborate import elaborate

    own = {entry.scenario.id: _core(entry.scenario) for entry in held.entries() if not entry.builtin}
    taken: list[str] = []
    for each in scenarios:
        core = _core(elaborate(each).scenario)
        if own.get(each.id, core) != core:
            taken.append(each.id)
    return [each for each in scenarios if each.id not in taken], taken


def _core(scenario: Scenario) -> Scenario:
    """The scenario without what a review leaves in it."""
    return scenario.model_copy(update={"provenance": scenario.provenance.model_copy(update={"reviewed_by": None})})


def _told(verb: str, done: Sequence[Elaborated], output: Format) -> None:
    """What was read out of each, and what stays text in it."""
    rows: list[JsonValue] = [
        {"id": each.scenario.id, "plannable": each.plannable, "left": [item.model_dump() for item in each.left]}
        for each in done
    ]
    emit(rows, output, lambda: "\n".join(_lines(verb, done)) or f"none {verb}")


def _lines(verb: str, done: Sequence[Elaborated]) -> list[str]:
    from rich.markup import escape

    from steersman.cli.render.text import untrusted

    lines = []
    for each in done:
        lines.append(f"{verb} {each.scenario.id}" + ("" if each.plannable else ", which has no typed method"))
        lines += [f"  {item.field} stays text: {untrusted(item.text, 80)!r}: {item.why}" for item in each.left]
    return [escape(line) for line in lines]


def _report(loaded: Loaded, *, wrong: bool = False) -> None:
    from steersman.cli.render.text import untrusted

    for defect in loaded.defects:
        talk(f"steer: {untrusted(str(defect), LONGEST_LINE)}")
    if not loaded.defects and not loaded.scenarios:
        talk("steer: there is no scenario in it; give .json, .yaml or .yml files")
    if wrong or loaded.defects or not loaded.scenarios:
        raise typer.Exit(2)
