"""Operations of other people's APIs: import a description, list, forget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from steersman.app.importing import Report
    from steersman.app.settings import Settings
    from steersman.domain.fact import JsonObject

FOUND = 10
REASONS = 12
"""Operations that were left out and are named; the rest are counted."""


def import_openapi(
    spec: Annotated[Path, typer.Argument(help="OpenAPI 3.1, 3.0, Swagger 2.0 or a list of functions; - for stdin.")],
    *,
    name: Annotated[str, typer.Option("--name", help="What its operations are called by: NAME.operation.")],
    server: Annotated[str, typer.Option("--server", help="Base URL; else the first that it names.")] = "",
    overlay: Annotated[Path | None, typer.Option("--overlay", help="What you say of its operations, as YAML.")] = None,
    auth: Annotated[
        list[str] | None, typer.Option("--auth", help="SCHEME=env:NAME, SCHEME=client:env:NAME, or env:NAME alone.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option("--allow", help="A server beside it that may be called.")] = None,
    network: Annotated[
        list[str] | None, typer.Option("--network", help="Private addresses that may be reached, as 10.0.0.0/8.")
    ] = None,
    tier: Annotated[str, typer.Option("--tier", help="prod, staging or lab.")] = "prod",
    replace: Annotated[bool, typer.Option("--replace", help="In place of one that has the name already.")] = False,
    output: Output = Format.table,
) -> None:
    """Take over the operations of an API: all but reads count as destructive and irreversible until an overlay says."""
    from steersman.app.importing import import_openapi as take_over
    from steersman.app.settings import load

    said = {
        "name": name,
        "source": spec.name,
        "server": server,
        "allowed": tuple(allow or ()),
        "networks": tuple(network or ()),
        "tier": tier,
        "auth": tuple(auth or ()),
        "overlay": overlay,
    }
    report = take_over(load(), _bytes(spec), said, replace=replace)
    _told(report)
    emit(report.model_dump(mode="json"), output, lambda: _summary(report))


def forget(name: str) -> None:
    """Forget an imported API, or the approval of an MCP server, with its overlay."""
    from steersman.app import apis, mcp_servers
    from steersman.app.settings import load

    settings = load()
    if mcp_servers.is_approved(settings, name):
        mcp_servers.forget(settings, name)
        talk(f"forgot the approval of {name}; its tools can no longer be called")
        return
    manifest = apis.forget(settings, name)
    talk(f"forgot {name}: {manifest.operations} operations of {manifest.server}")


def listed(settings: Settings, name: str, output: Format) -> None:
    """The operations of one API."""
    from steersman.app.importing import operations_of

    rows = operations_of(settings, name)
    emit([*rows], output, lambda: _table(rows))


def searched(settings: Settings, wish: str, toolset: str, *, output: Format) -> None:
    """The operations that fit a wish best, of all that are known here."""
    from rich.markup import escape
    from rich.table import Table

    from steersman.app.tool_index import index

    found = index(settings, toolset).search(wish, limit=FOUND)
    drawn = Table("operation", "score", "does", box=None, pad_edge=False)
    for each in found:
        drawn.add_row(each.name, f"{each.score:.2f}", escape(each.summary))
    emit([{"name": each.name, "score": each.score, "summary": each.summary} for each in found], output, lambda: drawn)


def _bytes(path: Path) -> bytes:
    from steersman.domain.errors import InputError

    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as e:
        raise InputError(f"cannot read {str(path)!r}: {e.strerror}") from e


def _told(report: Report) -> None:
    for out in report.left_out[:REASONS]:
        talk(f"steer: left out {out.where}: {out.why}")
    if len(report.left_out) > REASONS:
        talk(f"steer: left out {len(report.left_out) - REASONS} more; -o json names them")
    if report.unchecked_answers:
        first = report.unchecked_answers[0]
        talk(f"steer: answers of {len(report.unchecked_answers)} operations are not checked: {first.why}")
    if report.unchecked_patterns:
        talk(f"steer: {report.unchecked_patterns} patterns are left to the server: they could take exponential time")


def _summary(report: Report) -> str:
    from rich.markup import escape

    return "\n".join(
        (
            f"[bold]{report.name}[/]  {escape(report.title)}",
            f"{report.operations} operations at {escape(report.server)} ({report.tier})",
            f"pinned as {report.content}",
            f"credentials given: {escape(', '.join(report.credentials) or 'none')}",
            f"credentials that it knows: {escape(', '.join(report.schemes) or 'none')}",
        )
    )


def _table(rows: Sequence[JsonObject]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    drawn = Table("operation", "effect", "request", "does", box=None, pad_edge=False)
    for row in rows:
        drawn.add_row(
            str(row["name"]), str(row["effect"]), escape(f"{row['method']} {row['path']}"), escape(str(row["summary"]))
        )
    return drawn
