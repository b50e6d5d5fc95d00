"""`steer record`: live telemetry as a capture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.here import EnvironmentName, LabName, app_here
from steersman.cli.output import single, talk

if TYPE_CHECKING:
    from steersman.cli.when import When


def record(
    to: Annotated[Path, typer.Argument(help="Folder to write; it must be new or empty.")],
    *,
    since: Annotated[str, typer.Option("--since", help="How far back: 90s, 5m, 1h, 2d; default 15m.")] = "",
    until: Annotated[str, typer.Option("--until", help="End of the window, as 2026-11-25T10:00Z; default now.")] = "",
    baseline: Annotated[
        str, typer.Option("--baseline", help="Healthy time to keep with it: a length right before, or START/END.")
    ] = "",
    service: Annotated[str, typer.Option("--service", help="The service that it is about.")] = "",
    alert: Annotated[Path | None, typer.Option("--alert", help="Payload of an Alertmanager or Grafana alert.")] = None,
    lab: LabName = "",
    env: EnvironmentName = "",
) -> None:
    """Write telemetry of a window and its baseline as a capture that `steer investigate --capture` reads."""
    from steersman.cli.frame import go
    from steersman.cli.when import When

    holes = go(_record(to, When(since, until, baseline, alert), service, place=(lab, env)))
    for hole in holes:
        talk(f"! {hole}")
    talk(f"capture written to {to}")


async def _record(to: Path, when: When, service: str, *, place: tuple[str, str]) -> tuple[str, ...]:
    from steersman.app.recording import record as write
    from steersman.cli.render.progress import looking

    async with app_here(*place) as here:
        with looking() as tell:
            asked = when.question("", service, here.world.environment, tell)
            case = await write(here, to, window=asked.window, scope=asked.scope(here.world.services))
            return case.holes


apps = {"record": single(record)}
