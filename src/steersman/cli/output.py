"""What commands print: the payload to stdout as table, JSON or YAML; the talk to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.console import Console, RenderableType


class Format(StrEnum):
    """Forms of output; typer reads the choices from an enum."""

    table = "table"
    json = "json"
    yaml = "yaml"


Output = Annotated[Format, typer.Option("-o", "--output", help="table for people, json or yaml for programs.")]


def emit(payload: JsonValue, form: Format, render: Callable[[], RenderableType]) -> None:
    """Prints the payload in the wanted form; `render` is called only for people."""
    match form:
        case Format.json:
            print(json.dumps(payload, ensure_ascii=False, indent=2))
        case Format.yaml:
            import yaml

            print(yaml.safe_dump(payload, allow_unicode=True, sort_keys=False), end="")
        case Format.table:
            payload_console().print(render())


def payload_console() -> Console:
    """Stdout: colour only on a terminal that wants it."""
    return _console(stderr=False)


def talk_console() -> Console:
    """Stderr, for progress and remarks."""
    return _console(stderr=True)


def talk(message: str) -> None:
    """A remark to the person, as plain text on stderr."""
    print(message, file=sys.stderr, flush=True)


def interactive() -> bool:
    """Whether a person can be asked: both ends are terminals and nobody said `--no-input`."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("STEER_NO_INPUT")


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else int(os.environ.get("COLUMNS", "110"))
    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=False, emoji=False)


def group(purpose: str) -> typer.Typer:
    """A family of commands with plain, fast help."""
    return typer.Typer(help=purpose, no_args_is_help=True, rich_markup_mode=None, add_completion=False)


def single(function: Callable[..., None]) -> typer.Typer:
    """A command that stands alone."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command()(function)
    return app
