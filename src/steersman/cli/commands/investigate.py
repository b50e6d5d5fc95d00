"""`steer investigate`: root causes, ranked, with evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import Format, Output, emit, single, talk

if TYPE_CHECKING:
    from rich.console import RenderableType

    from steersman.app.investigations import Chart, Question
    from steersman.app.wiring import App
    from steersman.cli.when import When
    from steersman.domain.finding import Investigation
    from steersman.domain.ports import Source

CaptureOption = Annotated[Path | None, typer.Option("--capture", help="A recorded incident instead of what runs.")]


def investigate(
    question: Annotated[str, typer.Argument(help="What seems wrong, in Korean or English.")] = "",
    *,
    service: Annotated[str, typer.Option("--service", help="The service that is asked about.")] = "",
    since: Annotated[str, typer.Option("--since", help="How far back: 90s, 5m, 1h, 2d; default 15m.")] = "",
    until: Annotated[str, typer.Option("--until", help="End of the window, as 2026-11-25T10:00Z; default now.")] = "",
    baseline: Annotated[
        str, typer.Option("--baseline", help="Healthy time to compare with: a length right before, or START/END.")
    ] = "",
    alert: Annotated[Path | None, typer.Option("--alert", help="Payload of an Alertmanager or Grafana alert.")] = None,
    capture: CaptureOption = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a postmortem draft in Markdown.")] = None,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Root causes, ranked, each with evidence. No fault found exits 0, not enough data exits 7."""
    from steersman.cli.frame import go
    from steersman.cli.investigating import as_json
    from steersman.cli.when import When

    when = When(since, until, baseline, alert)
    found, drawn = go(
        _captured(question, capture, service) if capture else _live(question, service, when, place=(lab, env))
    )
    if report is not None:
        _write(report, found, drawn)
    emit(as_json(found), output, lambda: _shown(found, drawn))
    raise typer.Exit(7 if found.result == "not_enough_data" else 0)


async def _live(
    question: str, service: str, when: When, *, place: tuple[str, str]
) -> tuple[Investigation, tuple[Chart, ...]]:
    from steersman.app.wiring import new_run_id
    from steersman.cli.render.progress import looking

    async with app_here(*place) as here:
        with looking() as tell:
            asked = when.question(question, service, here.world.environment, tell)
            return await _looked(here, asked, here.source(new_run_id("why")))


async def _captured(question: str, folder: Path, service: str) -> tuple[Investigation, tuple[Chart, ...]]:
    from steersman.app.captures import GatedCapture, captured
    from steersman.app.investigations import Question
    from steersman.app.settings import load
    from steersman.app.wiring import open_app
    from steersman.cli.render.progress import looking

    async with captured(folder) as capture, open_app(load(), capture.connection) as here:
        with looking() as tell:
            asked = Question(
                question, capture.window, service=service, alert_at=capture.alert_at, capture=str(folder), tell=tell
            )
            return await _looked(here, asked, GatedCapture(here, capture.toolset))


async def _looked(here: App, asked: Question, source: Source) -> tuple[Investigation, tuple[Chart, ...]]:
    from steersman.app.investigations import charts
    from steersman.app.investigations import investigate as look

    found = await look(here, asked, source)
    return found, await charts(found, source)


def _shown(found: Investigation, drawn: tuple[Chart, ...]) -> RenderableType:
    from steersman.app.settings import load
    from steersman.cli.render.causes import causes
    from steersman.cli.render.words import language

    return causes(found, language(found.question, load().language), {each.evidence: each.series for each in drawn})


def _write(path: Path, found: Investigation, drawn: tuple[Chart, ...]) -> None:
    from steersman.app.settings import load
    from steersman.cli.render.postmortem import Drawn, postmortem
    from steersman.cli.render.words import language
    from steersman.domain.errors import InputError

    pictures = [Drawn(each.evidence, each.series) for each in drawn]
    try:
        path.write_text(postmortem(found, pictures, language(found.question, load().language)), encoding="utf-8")
    except OSError as e:
        raise InputError(f"{str(path)!r} cannot be written: {e.strerror}; name another file") from e
    talk(f"postmortem draft written to {path}")


apps = {"investigate": single(investigate)}
