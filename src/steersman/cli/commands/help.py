"""`steer help`: topics that are not commands."""

from __future__ import annotations

from steersman.cli.output import Format, Output, emit, group

app = group("Exit codes and other topics.")
apps = {"help": app}


@app.callback()
def _topics() -> None:
    """Topics that are not commands."""


@app.command("exit-codes")
def exit_codes(output: Output = Format.table) -> None:
    """What each exit code means."""
    from rich.table import Table

    from steersman.domain.exit_codes import MEANING

    def render() -> Table:
        table = Table("code", "meaning", box=None, pad_edge=False)
        for code, meaning in MEANING.items():
            table.add_row(str(int(code)), meaning)
        return table

    emit({str(int(code)): meaning for code, meaning in MEANING.items()}, output, render)
