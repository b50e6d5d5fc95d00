"""The command line: finds the command, loads only that, and turns expected errors into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "The whole loop in the lab: no key, no cluster, no network."),
    "plan": ("plan", "Make and check a plan; changes nothing."),
    "run": ("run", "Make or read a plan and do it, after approval."),
    "runs": ("runs", "Runs: list, show, watch, resume, cancel, undo, export."),
    "replay": ("replay", "Tell a run again from its journal."),
    "approvals": ("approvals", "Approvals: list, show."),
    "approve": ("decisions", "Approve a request."),
    "reject": ("decisions", "Reject a request."),
    "request-changes": ("decisions", "Ask for changes instead of approving."),
    "investigate": ("investigate", "Root causes, ranked, with evidence."),
    "bench": ("bench", "Load tests: run, ask, limit, compare, script, show, history."),
    "evidence": ("evidence", "What investigations rest on: list, show, verify."),
    "record": ("record", "Keep live telemetry as a capture."),
    "ask": ("ask", "Ask once: find a cause, plan a change, answer a question; changes nothing."),
    "chat": ("ask", "Talk, with memory and slash commands."),
    "threads": ("threads", "Conversations: list, show, forget."),
    "scenarios": ("scenarios", "The knowledge base: list, show, search, add, validate, learn."),
    "tools": ("tools", "Operations: list, show, call."),
    "lab": ("lab", "The practice environment: up, down, status, fault, load, scrape, record."),
    "audit": ("audit", "The journal: verify, export, rotate keys, retain."),
    "backup": ("backup", "Copy the journal, verified."),
    "restore": ("backup", "Put a copy of the journal back."),
    "policy": ("policy", "Guardrails: check, test, explain."),
    "can-i": ("can_i", "Whether somebody may do an operation, and by which rule."),
    "eval": ("evaluate", "Evaluation: how well goals are planned, with and without a model."),
    "agents": ("agents", "The graphs of agents and runs, as mermaid."),
    "stop-all": ("switch", "Stop all new work; with --hard, undo as well."),
    "start-all": ("switch", "Let work go on again."),
    "doctor": ("doctor", "Health of the installation, state and configuration."),
    "config": ("config", "Configuration: show, validate, schema."),
    "help": ("help", "Exit codes and other topics."),
}


LISTING = "listing"
"""What the context carries when no command is asked for."""


class LazyGroup(TyperGroup):
    """Lists commands from the table above and imports a command's module only to run it."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """Names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A light stand-in for listings, the real command for everything else."""
        if cmd_name not in COMMANDS:
            return None
        if ctx.obj == LISTING:
            return TyperCommand(cmd_name, short_help=COMMANDS[cmd_name][1], help=COMMANDS[cmd_name][1])
        return load(cmd_name)


def only_lists(argv: Sequence[str]) -> bool:
    """Whether the words ask for no command, so that only the table is wanted."""
    return not [word for word in argv if word not in ("--help", "-h")]


def load(name: str) -> Any:
    """The real command of that name."""
    module = import_module(f"steersman.cli.commands.{COMMANDS[name][0]}")
    command = get_command(module.apps[name])
    command.name = name
    return command


root = typer.Typer(
    cls=LazyGroup,
    name="steer",
    help="Steersman: plans, asks, acts, watches and undoes.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@root.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from steersman import __version__

        typer.echo(__version__)
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> None:
    """Runs a command and exits with its code."""
    sys.excepthook = _bug
    sys.exit(run(list(sys.argv[1:] if argv is None else argv)))


def run(argv: list[str]) -> int:
    """Runs a command and gives back its exit code; expected errors become one line on stderr."""
    command: Any = get_command(root)
    try:
        wanted = LISTING if only_lists(argv) else ""
        result = command.main(args=argv, prog_name="steer", standalone_mode=False, obj=wanted)
    except typer.TyperException as e:
        return _usage(e.format_message(), argv, e.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _talk("interrupted", 130)
    except Exception as e:  # noqa: BLE001 - the outermost border: a bug is told, without secrets, and ends with 1
        from steersman.domain.errors import SteersmanError

        if isinstance(e, SteersmanError):
            return _talk(str(e), e.exit_code)
        raise
    return result if isinstance(result, int) else 0


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The traceback of what nobody expected, without secrets: messages of foreign errors quote what they were given."""
    import traceback

    _talk(f"this is a bug in Steersman, please report it\n{''.join(traceback.format_exception(kind, error, trace))}", 1)


def _usage(message: str, argv: list[str], code: int) -> int:
    if message.startswith("Usage:"):  # a family of commands without a command: the message is its help
        typer.echo(message, err=True)
        return code
    known = f" {argv[0]}" if argv and argv[0] in COMMANDS else ""
    return _talk(f"{message.rstrip('.')}; `steer{known} --help` shows the usage", code)


def _talk(message: str, code: int) -> int:
    from steersman.app.secrets import redactor  # only those who went wrong pay for it

    message = redactor().text(message)
    typer.secho(f"steer: {message}", err=True, fg="red" if sys.stderr.isatty() else None)
    return int(code)


if __name__ == "__main__":
    main()
