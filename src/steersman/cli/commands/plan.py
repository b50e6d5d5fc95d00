"""`steer plan`: makes and checks a plan; changes nothing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.here import LabName, app_here
from steersman.cli.output import payload_console, single

if TYPE_CHECKING:
    from steersman.app.wiring import App
    from steersman.domain.fact import JsonObject
    from steersman.domain.plan import Plan

GoalText = Annotated[str, typer.Argument(help="What is wanted, in Korean or English.")]
ScenarioOption = Annotated[str, typer.Option("-s", "--scenario", help="Plan this scenario instead of recalling one.")]
ParameterOption = Annotated[list[str] | None, typer.Option("-p", "--parameter", help="name=value; wins over the goal.")]
FileOption = Annotated[Path | None, typer.Option("-f", "--file", help="A plan as JSON or YAML; - reads stdin.")]


class PlanFormat(StrEnum):
    """Forms of a plan."""

    card = "card"
    table = "table"
    json = "json"
    yaml = "yaml"
    mermaid = "mermaid"


PlanOutput = Annotated[PlanFormat, typer.Option("-o", "--output", help="card for people; json runs with `run -f`.")]


def plan(
    goal: GoalText = "",
    *,
    scenario: ScenarioOption = "",
    parameter: ParameterOption = None,
    file: FileOption = None,
    lab: LabName = "",
    output: PlanOutput = PlanFormat.card,
) -> None:
    """Make a plan for a goal or scenario, or check one from a file. Changes nothing; an invalid plan exits 2."""
    from steersman.cli.frame import go

    async def work() -> None:
        async with app_here(lab) as app:
            made = await make(app, goal, scenario=scenario, parameters=parameter, file=file)
            show(app, made, output)

    go(work())


async def make(app: App, goal: str, *, scenario: str, parameters: list[str] | None, file: Path | None) -> Plan:
    """The plan that the options ask for, checked. Raises InputError that says everything that is wrong with it."""
    from steersman.domain.errors import InputError
    from steersman.domain.goal import Goal
    from steersman.domain.ids import ScenarioId
    from steersman.domain.scenario import Match

    if file is not None:
        if goal or scenario or parameters:
            raise InputError("give a plan file or a goal, not both")
        return _from_file(app, file)
    if scenario:
        entry = app.shelf.entries.get(ScenarioId(scenario))
        if entry is None:
            raise InputError(f"there is no scenario {scenario!r}; `steer scenarios search` finds one")
        matches = [Match(scenario=entry.scenario, score=1.0, why=("named",))]
    elif goal:
        matches = app.recall(goal)
        if not matches:
            raise InputError(f"no scenario fits {goal!r} here; `steer scenarios list` shows all, -s names one")
    else:
        raise InputError("say a goal, a scenario (-s) or a plan file (-f)")
    return await app.plan(Goal(text=goal or scenario, parameters=_given(parameters)), matches)


def _from_file(app: App, file: Path) -> Plan:
    from steersman.domain.errors import InputError
    from steersman.planning.document import parse

    read = parse(_text(file))
    problems = app.check(read)
    if problems:
        said = "; ".join(f"{each.path} ({each.code}): {each.reason}; {each.remedy}" for each in problems)
        raise InputError(f"the plan in {str(file)!r} is not valid: {said}")
    return read


def _text(file: Path) -> str:
    import sys

    from steersman.domain.errors import InputError

    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"cannot read {str(file)!r}: {e}") from e


def show(app: App, made: Plan, form: PlanFormat) -> None:
    """Prints a plan."""
    from steersman.planning.document import dump_json, dump_yaml
    from steersman.planning.mermaid import mermaid

    match form:
        case PlanFormat.json:
            print(dump_json(made))
        case PlanFormat.yaml:
            print(dump_yaml(made), end="")
        case PlanFormat.mermaid:
            print(mermaid(made), end="")
        case PlanFormat.card | PlanFormat.table:
            from steersman.cli.render.card import plan_card
            from steersman.cli.render.words import language
            from steersman.planning.effects import effects

            lang = language(made.goal, app.settings.language)
            payload_console().print(plan_card(made, effects(made, app.world), lang))


def _given(parameters: list[str] | None) -> JsonObject:
    import yaml

    from steersman.domain.errors import InputError

    given: JsonObject = {}
    for each in parameters or []:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise InputError(f"-p {each!r}: wants name=value")
        given[name] = yaml.safe_load(value) if value else ""
    return given


apps = {"plan": single(plan)}
