"""`steer config`: what is configured, whether it is valid, and what can be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steersman.cli.output import Format, Output, emit, group

app = group("Configuration: show, validate, schema.")
apps = {"config": app}


@app.command()
def show(output: Output = Format.table) -> None:
    """The configuration in force; secrets stay references."""
    from rich.pretty import Pretty

    from steersman.app.settings import load

    payload = load().model_dump(mode="json")
    emit(payload, output, lambda: Pretty(payload, expand_all=True))


@app.command()
def validate(path: Annotated[Path | None, typer.Argument(help="A file; without it the one in force.")] = None) -> None:
    """Whether the configuration is valid; exit 2 with the reason otherwise."""
    from steersman.app.settings import load

    load(path)
    typer.echo("valid")


@app.command()
def schema() -> None:
    """JSON Schema of `steersman.yaml`."""
    import json

    from steersman.app.settings import Settings

    print(json.dumps(Settings.model_json_schema(), ensure_ascii=False, indent=2))
