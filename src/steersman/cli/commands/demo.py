"""`steer demo`: the whole loop in the lab. A bad release is planned, shipped, caught, undone and explained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.commands.run import Yes, answered
from steersman.cli.output import Format, Output, emit, single, talk, talk_console

if TYPE_CHECKING:
    from pydantic import JsonValue

    from steersman.app.settings import Settings
    from steersman.app.wiring import App
    from steersman.cli.render.words import Language
    from steersman.domain.fact import JsonObject
    from steersman.domain.finding import Investigation
    from steersman.domain.run import Run

GOALS = {
    "ko": "{service} {version}를 블루-그린으로 배포",
    "en": "deploy {service} {version} blue-green",
}
BAD, GOOD = "v2", "v2-good"
SERVICE = "payments"
RATE = 70.0


def demo(
    *,
    good: Annotated[bool, typer.Option("--good", help="Ship a good release instead: ends at 100 %, exit 0.")] = False,
    yes: Yes = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the lab up afterwards.")] = False,
    lang: Annotated[str, typer.Option("--lang", help="ko or en; default is your locale's.")] = "",
    output: Output = Format.table,
) -> None:
    """Ship a bad release in a lab of real processes, catch it, undo it, explain it. No key, no cluster, no root."""
    from steersman.app.settings import load
    from steersman.cli.frame import go
    from steersman.cli.render.words import language

    settings = load()
    speaks = language("", lang or settings.language)
    raise typer.Exit(go(_demo(settings, speaks, good=good, yes=yes, keep=keep, output=output)))


async def _demo(settings: Settings, lang: Language, *, good: bool, yes: bool, keep: bool, output: Format) -> int:
    import secrets
    import time

    from steersman.app import labs
    from steersman.app.wiring import open_app

    name = f"demo-{secrets.token_hex(3)}"
    began = time.monotonic()
    talk("lab: starting four services, a proxy, a collector and customers ...")
    await labs.up(settings, name=name, rate=RATE)
    talk(f"lab: {name} is up after {time.monotonic() - began:.1f} s")
    waits = False
    try:
        async with labs.connected(settings, name=name) as connection, open_app(settings, connection) as app:
            code, waits = await _story(app, lang, version=GOOD if good else BAD, yes=yes, output=output)
    finally:
        if keep or waits:
            talk(f"lab: {name} stays up; `steer lab down {name}` ends it")
        else:
            await labs.down(settings, name=name)
    return code


async def _story(app: App, lang: Language, *, version: str, yes: bool, output: Format) -> tuple[int, bool]:
    """The exit code, and whether the run still waits (then the lab must stay)."""
    from steersman.app.wiring import new_run_id
    from steersman.cli.commands.plan import PlanFormat, show
    from steersman.cli.watching import watched
    from steersman.domain.goal import Goal

    goal = GOALS[lang].format(service=SERVICE, version=version)
    matches = await app.recall(goal)
    for match in matches[:2]:
        talk(f"recalled {match.scenario.id} ({match.score:.2f}): {', '.join(match.why)}")
    plan = await app.plan(Goal(text=goal, parameters={"service": SERVICE, "version": version}), matches)
    live = output is Format.table
    if live:
        show(app, plan, PlanFormat.card)
    before = await _shop(app)
    run_id = new_run_id("demo")
    run = await watched(app, plan, run_id, live=live)
    if run.state == "waiting" and await answered(app, run, yes=yes):
        run = await watched(app, plan, run_id, live=live)
    if run.state == "waiting":
        talk(f"then: `steer runs resume {run_id}`")
        return int(run.exit_code), True
    found = await _explained(app, run, lang) if run.state != "done" else None
    await _tell(app, run, found, lang, same=before == await _shop(app), output=output)
    return int(run.exit_code), not run.final


async def _shop(app: App) -> JsonObject:
    """What runs where, with which share of the traffic, in every service: for before and after."""
    from steersman.app.wiring import new_run_id
    from steersman.domain.call import Call
    from steersman.domain.ids import OperationName, StepId

    run_id, found = new_run_id("look"), {}
    for service in sorted(app.world.services):
        call = Call(
            operation=OperationName("lab.get_service"),
            arguments={"service": service},
            environment=app.world.environment,
            principal=app.user,
            route="cli",
            run_id=run_id,
            step_id=StepId("look"),
        )
        found[service] = (await app.gate.call(call)).output
    return {**found}


async def _explained(app: App, run: Run, lang: Language) -> Investigation:
    """Root causes out of the lab's telemetry, kept with the run."""
    from steersman.cli.investigating import investigate_run
    from steersman.cli.render.causes import causes

    found = await investigate_run(app, run)
    talk_console().print(causes(found, lang))
    return found


async def _tell(app: App, run: Run, found: Investigation | None, lang: Language, *, same: bool, output: Format) -> None:
    from steersman.cli.commands.runs import report_text
    from steersman.domain.run_view import run_json

    folder = app.settings.home / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.run_id}.md"
    path.write_text(await report_text(run.run_id), encoding="utf-8")
    approvals = [await app.journal.approval(each) for each in run.approvals]
    payload: dict[str, JsonValue] = {**run_json(run, approvals), "lab_as_before": same, "report": str(path)}
    if found is not None:
        payload["investigation"] = found.model_dump(mode="json")
    emit(payload, output, lambda: _closing(run, same=same, path=path, lang=lang))


def _closing(run: Run, *, same: bool, path: Path, lang: Language) -> str:
    from steersman.cli.render.words import word

    lines = [
        f"[bold]{word(run.state, lang)}[/bold]: {run.reason}" if run.reason else f"[bold]{word(run.state, lang)}[/bold]"
    ]
    if run.state == "rolled_back":
        lines.append(word("as_before" if same else "not_as_before", lang))
    lines.append(f"{word('report', lang)}: {path}")
    return "\n".join(lines)


apps = {"demo": single(demo)}
