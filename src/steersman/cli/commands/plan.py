"""`steer plan`: makes and checks a plan; changes nothing."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import payload_console, single

if TYPE_CHECKING:
    from steersman.app.scenarios import Knowledge
    from steersman.app.wiring import App
    from steersman.domain.fact import JsonObject
    from steersman.domain.goal import Goal
    from steersman.domain.plan import Plan
    from steersman.planning.world import World

GoalText = Annotated[str, typer.Argument(help="What is wanted, in Korean or English.")]
ScenarioOption = Annotated[str, typer.Option("-s", "--scenario", help="Plan this scenario instead of recalling one.")]
ParameterOption = Annotated[list[str] | None, typer.Option("-p", "--parameter", help="name=value; wins over the goal.")]
PlatformOption = Annotated[
    str,
    typer.Option(
        "--platform",
        help="As in kubernetes,argo-rollouts: plan on typed contracts, with nothing connected. It cannot be run.",
    ),
]
AssumeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--assume", help="With --platform: what is there, as OPERATION/FIELD=VALUE; else the scenario's wish."
    ),
]
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
    platform: PlatformOption = "",
    assume: AssumeOption = None,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: PlanOutput = PlanFormat.card,
) -> None:
    """Make a plan for a goal or scenario, or check one from a file. Changes nothing; an invalid plan exits 2."""
    from steersman.cli.frame import go

    if file is None and (platform or assume or scenario):
        from steersman.app.places import is_configured
        from steersman.app.scenarios import Knowledge
        from steersman.app.settings import load

        knowledge = Knowledge(settings := load())
        connects = is_configured(settings, env) and not (platform or assume)
        if not connects and (platform or assume or _only_contracts(knowledge, scenario)):
            wanted = _goal(goal, scenario, parameter)
            platforms = [name for name in platform.split(",") if name.strip()]
            on_contracts(wanted, knowledge, scenario=scenario, platforms=platforms, assume=assume or [], output=output)
            return

    async def work() -> None:
        async with app_here(lab, env) as app:
            made = await make(app, goal, scenario=scenario, parameters=parameter, file=file)
            show(app, made, output)

    go(work())


async def make(app: App, goal: str, *, scenario: str, parameters: list[str] | None, file: Path | None) -> Plan:
    """The plan that the options ask for, checked. Raises InputError that says everything that is wrong with it."""
    from steersman.app.minds import model_name
    from steersman.cli.output import talk
    from steersman.cli.render.text import untrusted
    from steersman.domain.errors import InputError

    if file is not None:
        if goal or scenario or parameters:
            raise InputError("give a plan file or a goal, not both")
        return _from_file(app, file)
    wanted = _goal(goal, scenario, parameters)
    if scenario:
        matches = [app.knowledge.named(scenario)]
    else:
        matches = await app.recall(goal)
        if not matches and not model_name(app.settings, "planner"):
            raise InputError(nothing_fits(goal, connected=bool(app.world.catalogue)))
    _say_before(app, wanted.text)
    found = await app.propose(wanted, matches)
    for note in found.notes:
        talk(untrusted(note))
    return found.needed()


def nothing_fits(goal: str, *, connected: bool) -> str:
    """What to tell somebody for whose goal no scenario was found, and what to do."""
    if connected:
        return f"no scenario fits {goal!r} here; `steer scenarios list` shows all, -s names one"
    return (
        f"nothing is connected, so that no scenario fits {goal!r}: `steer lab up` starts a shop to practise on, "
        "`environments:` in the configuration names your systems, --platform kubernetes,argo-rollouts plans on paper"
    )


def _say_before(app: App, goal: str) -> None:
    """What became of the run that was most like this one: worth knowing, and no part of the plan."""
    from steersman.cli.output import talk
    from steersman.cli.render.text import untrusted

    for match in app.knowledge.before(goal, limit=1):
        talk(f"seen before: {match.scenario.id}: {untrusted(match.scenario.goal)}")


def on_contracts(
    goal: Goal, knowledge: Knowledge, *, scenario: str, platforms: list[str], assume: list[str], output: PlanFormat
) -> None:
    """Plans where nothing is connected, on assumptions that the card lists. Raises InputError when there is no plan."""
    from steersman.app import contracts
    from steersman.cli.output import talk

    names = platforms or [*contracts.platforms_of(knowledge.named(scenario).scenario)]
    world = contracts.contract_world(names)
    made = contracts.contract_plan(goal, knowledge, world, scenario=scenario, given=contracts.given(assume))
    talk(f"nothing is connected: planned on the contracts of {', '.join(names)}; this plan cannot be run")
    _print(made, output, world, knowledge.settings.language)


def _only_contracts(knowledge: Knowledge, scenario: str) -> bool:
    """Whether somebody names a scenario for which nothing could be connected."""
    from steersman.app.contracts import is_only_contract

    return is_only_contract(knowledge.named(scenario).scenario)


def _goal(goal: str, scenario: str, parameters: list[str] | None) -> Goal:
    from steersman.domain.errors import InputError
    from steersman.domain.goal import Goal

    if not goal and not scenario:
        raise InputError("say a goal, a scenario (-s) or a plan file (-f)")
    return Goal(text=goal or scenario, parameters=_given(parameters))


def _from_file(app: App, file: Path) -> Plan:
    from steersman.domain.errors import InputError
    from steersman.planning.assume import is_unconnected
    from steersman.planning.document import parse

    read = parse(_text(file))
    if is_unconnected(read.environment):
        raise InputError(
            f"the plan in {str(file)!r} was made with nothing connected, on assumptions; it can be read, never run: "
            "plan again where the platform is connected"
        )
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
    _print(made, form, app.world, app.settings.language)


def _print(made: Plan, form: PlanFormat, world: World, setting: str) -> None:
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

            lang = language(made.goal, setting)
            payload_console().print(plan_card(made, effects(made, world), lang))


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
