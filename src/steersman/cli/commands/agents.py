"""`steer agents`: the graphs, as mermaid."""

from __future__ import annotations

from typing import Annotated

import typer

from steersman.cli.output import Format, Output, emit, group

app = group("The graphs of agents and runs, as mermaid.")
apps = {"agents": app}


@app.command("list")
def list_(output: Output = Format.table) -> None:
    """The agents that can be used alone."""
    from rich.table import Table

    from steersman.agents import AGENTS

    def render() -> Table:
        drawn = Table("agent", "does", box=None, pad_edge=False)
        for name, (_, does) in AGENTS.items():
            drawn.add_row(name, does)
        return drawn

    emit([{"agent": name, "does": does} for name, (_, does) in AGENTS.items()], output, render)


@app.command()
def graph(name: Annotated[str, typer.Argument(metavar="RUN|AGENT", help="A run id or an agent's name.")]) -> None:
    """The graph of a run, coloured by how far it is, or of an agent; mermaid text."""
    from steersman.agents import AGENTS
    from steersman.cli.frame import go

    if name in AGENTS:
        from steersman.agents import drawn

        print(drawn(name), end="")
        return
    from steersman.cli.commands.runs import read_run
    from steersman.engines.local.mermaid import mermaid

    run, _ = go(read_run(name))
    print(mermaid(run.plan, run), end="")
