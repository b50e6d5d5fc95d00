"""Draws docs/demo.svg: the demo as a terminal shows it. Takes an ANSI capture of a screen on standard input."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

TARGET = Path(__file__).parents[1] / "docs" / "demo.svg"
WIDTH = 110


def main() -> None:
    """Reads, draws, writes."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in sys.stdin.read().rstrip().splitlines():
        console.print(Text.from_ansi(line), soft_wrap=True)
    TARGET.write_text(console.export_svg(title="steer demo --yes"), encoding="utf-8")


if __name__ == "__main__":
    main()
