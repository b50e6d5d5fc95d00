"""Tools of MCP servers: look at them, approve them, take the approval back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from steersman.cli.output import Format, Output, emit, interactive, talk

if TYPE_CHECKING:
    from rich.table import Table

    from steersman.domain.fact import JsonObject

SHOWN = 100


def approve_mcp(
    name: str,
    *,
    env: Annotated[str, typer.Option("--env", help="In which environment it is configured.")] = "",
    overlay: Annotated[Path | None, typer.Option("--overlay", help="What you say of its tools, as YAML.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve what is shown, without asking.")] = False,
    output: Output = Format.table,
) -> None:
    """Look at the tools of an MCP server and approve their definitions; a tool that changes later is refused."""
    from steersman.app import mcp_servers
    from steersman.app.settings import load
    from steersman.cli.frame import go

    settings = load()
    section = mcp_servers.section_of(settings, name, env)
    server, difference = go(mcp_servers.look(settings, name, section, overlay=overlay))
    rows: list[JsonObject] = [
        {
            "tool": tool.name,
            "is": _is(tool.name, difference.new, difference.changed),
            "digest": tool.digest(),
            "description": tool.description,
        }
        for tool in server.tools
    ]
    payload: JsonObject = {"server": name, "address": server.address, "tools": [*rows], "gone": [*difference.gone]}
    emit(payload, output, lambda: _table(rows))
    for gone in difference.gone:
        talk(f"steer: {gone} is gone")
    if not yes and not (interactive() and typer.confirm(f"Approve {len(rows)} tools of {server.address}?", err=True)):
        talk("steer: nothing was approved; --yes approves what is shown")
        raise typer.Exit(3)
    mcp_servers.approve(settings, server)
    talk(f"approved {len(rows)} tools of {name}; all count as destructive and irreversible unless an overlay says more")


def _is(name: str, new: tuple[str, ...], changed: tuple[str, ...]) -> str:
    return "new" if name in new else "changed" if name in changed else "as before"


def _table(rows: list[JsonObject]) -> Table:
    from rich.table import Table

    from steersman.cli.render.text import untrusted

    drawn = Table("tool", "is", "digest", "says of itself (untrusted)", box=None, pad_edge=False)
    for row in rows:
        said = untrusted(str(row["description"]))
        drawn.add_row(untrusted(str(row["tool"])), str(row["is"]), str(row["digest"])[7:19], said[:SHOWN])
    return drawn
