"""What every benchmark prints: where it ran, a table for people, and one JSON object for machines."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from pydantic import JsonValue


def header(title: str, **facts: JsonValue) -> None:
    """Machine, versions and commit, and what else must be known to read the figures."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    known = {
        "python": platform.python_version(),
        "langgraph": version("langgraph"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "commit": commit or "none",
        **facts,
    }
    sys.stdout.write(f"{title}\n" + "".join(f"  {name}: {value}\n" for name, value in known.items()))


def report(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    figures: Mapping[str, JsonValue],
    *,
    passed: bool,
    as_json: bool,
) -> int:
    """Prints the table, with `as_json` the figures on the last line, and gives back the exit code."""
    table(columns, rows)
    sys.stdout.write("pass\n" if passed else "MISSED\n")
    if as_json:
        sys.stdout.write(json.dumps({"pass": passed, **figures}, sort_keys=True) + "\n")
    return 0 if passed else 1


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows in aligned columns."""
    texts = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[number]) for row in texts) for number in range(len(columns))]
    for row in texts:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        sys.stdout.write(line + "\n")
