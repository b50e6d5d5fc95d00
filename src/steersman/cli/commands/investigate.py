"""`steer investigate`: root causes, ranked, with evidence."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import Format, Output, emit, single, talk

if TYPE_CHECKING:
    from steersman.domain.finding import Investigation

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
LAG_S = 1.5
MOST_POINTS = 240


def investigate(
    question: Annotated[str, typer.Argument(help="What seems wrong, in Korean or English.")] = "",
    *,
    service: Annotated[str, typer.Option("--service", help="The service that is asked about.")] = "",
    since: Annotated[str, typer.Option("--since", help="How far back: 90s, 5m, 1h, 2d.")] = "15m",
    alert: Annotated[Path | None, typer.Option("--alert", help="Payload of an Alertmanager or Grafana alert.")] = None,
    capture: Annotated[Path | None, typer.Option("--capture", help="A recorded incident instead of what runs.")] = None,
    lab: LabName = "",
    env: EnvironmentName = "",
    output: Output = Format.table,
) -> None:
    """Root causes, ranked, each with evidence. No fault found exits 0, not enough data exits 7."""
    from steersman.cli.frame import go

    if alert is not None:
        service, since = _from_alert(alert, service, since)
    talk("looking at metrics, logs, traces and changes ...")
    found = go(
        _captured(question, capture, service) if capture else _live(question, service, seconds(since), (lab, env))
    )
    from steersman.app.settings import load
    from steersman.cli.investigating import as_json
    from steersman.cli.render.causes import causes
    from steersman.cli.render.words import language

    emit(as_json(found), output, lambda: causes(found, language(question, load().language)))
    raise typer.Exit(7 if found.result == "not_enough_data" else 0)


async def _live(question: str, service: str, since_s: float, place: tuple[str, str]) -> Investigation:
    from steersman.app.store import CLOCK
    from steersman.cli.investigating import investigate_window
    from steersman.domain.signal import Window

    end = CLOCK.now() - timedelta(seconds=LAG_S)
    window = Window(start=end - timedelta(seconds=since_s), end=end, step_s=max(1.0, since_s / MOST_POINTS))
    async with app_here(*place) as here:
        return await investigate_window(here, question, window=window, service=service)


async def _captured(question: str, folder: Path, service: str) -> Investigation:
    from steersman.app.captures import GatedCapture, captured
    from steersman.app.settings import load
    from steersman.app.wiring import open_app
    from steersman.cli.investigating import investigate_window

    async with captured(folder) as capture, open_app(load(), capture.connection) as here:
        source = GatedCapture(here, capture.toolset)
        return await investigate_window(here, question, window=capture.window, service=service, source=source)


def seconds(text: str) -> float:
    """Seconds of `90s`, `5m`, `1h`, `2d`. Raises InputError for anything else."""
    from steersman.domain.errors import InputError

    found = DURATION.fullmatch(text.strip())
    if not found:
        raise InputError(f"{text!r} is no duration; say 90s, 5m, 1h or 2d")
    return float(found[1]) * UNITS[found[2]]


def _from_alert(path: Path, service: str, since: str) -> tuple[str, str]:
    """Service and time of an alert. What it says in words is untrusted and not read."""
    from steersman.app.store import CLOCK
    from steersman.domain.errors import InputError

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        first = document["alerts"][0]
        labels = {str(key): str(value) for key, value in first["labels"].items()}
        began = datetime.fromisoformat(first["startsAt"])
        ago = (CLOCK.now() - began).total_seconds()
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as e:
        raise InputError(f"{str(path)!r} is no alert payload of Alertmanager or Grafana: {e}") from e
    named = next((labels[key] for key in ("service", "service_name", "app", "job") if key in labels), "")
    return service or named, f"{max(60.0, ago + 120.0):.0f}s" if ago > 0 else since


apps = {"investigate": single(investigate)}
