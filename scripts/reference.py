"""Writes docs/reference.md from the code; `--check` fails when it is not up to date."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from steersman.app.catalogue import all_operations
from steersman.app.section import keys
from steersman.app.settings import Settings
from steersman.cli.main import COMMANDS, load
from steersman.domain import errors
from steersman.domain.exit_codes import MEANING
from steersman.domain.finding import FaultKind
from steersman.domain.signal import UNIT

TARGET = Path(__file__).parents[1] / "docs" / "reference.md"


def commands() -> Iterator[str]:
    """One row a command, with its options."""
    yield "| command | does | takes |"
    yield "|---|---|---|"
    for name in COMMANDS:
        yield from _command(load(name), f"steer {name}")


def _command(command: Any, path: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _command(inner, f"{path} {name}")
        return
    takes = [parameter for parameter in command.params if parameter.name != "help"]
    names = ", ".join(
        f"`{'/'.join(p.opts)}`" if p.param_type_name == "option" else f"`{(p.metavar or p.name).upper()}`"
        for p in takes
    )
    yield f"| `{path}` | {_line(command.help or '')} | {names} |"


def _line(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split()).replace("|", "\\|")


def settings() -> Iterator[str]:
    """One row a key."""
    for key, says in keys(Settings):
        variable = "" if ".NAME." in key else f"`STEER_{key.upper().replace('.', '__')}`"
        yield f"| `{key}` | {variable} | {_line(says)} |"


def error_tree() -> Iterator[str]:
    """One row an error class."""
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.SteersmanError):
            yield f"| `{name}` | {int(kind.exit_code)} | {_line(inspect.getdoc(kind) or '')} |"


def operations() -> Iterator[str]:
    """One row an operation."""
    for operation in sorted(all_operations(), key=lambda one: one.name):
        undone = operation.inverse.operation if operation.inverse else ("-" if operation.effect == "read" else "never")
        radius, summary = operation.blast_radius, _line(operation.summary)
        yield f"| `{operation.name}` | {operation.effect} | {radius} | {undone} | {summary} |"


def document() -> str:
    """The whole page."""
    parts = [
        "# Reference\n\nMade from the code by `make docs`; a test fails when it is not up to date.",
        "## Commands\n\n" + "\n".join(commands()),
        "## Exit codes\n\n| code | meaning |\n|---|---|\n"
        + "\n".join(f"| {int(code)} | {meaning} |" for code, meaning in MEANING.items()),
        "## Settings\n\n| key in `steersman.yaml` | variable | what |\n|---|---|---|\n" + "\n".join(settings()),
        "## Errors\n\n| error | exit code | when |\n|---|---|---|\n" + "\n".join(error_tree()),
        "## Operations\n\n| operation | effect | blast radius | undone by | does |\n|---|---|---|---|---|\n"
        + "\n".join(operations()),
        "## Signals\n\n| signal | unit |\n|---|---|\n"
        + "\n".join(f"| `{name}` | {unit} |" for name, unit in UNIT.items()),
        "## Kinds of fault\n\n" + ", ".join(f"`{kind}`" for kind in get_args(FaultKind)),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    text = document()
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.read_text() == text else "docs/reference.md is not up to date: run `make docs`")
    TARGET.write_text(text)
