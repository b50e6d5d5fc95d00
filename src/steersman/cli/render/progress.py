"""How far an investigation is, on stderr: one moving line on a terminal, a few still ones elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from steersman.cli.output import talk, talk_console

SHOWN = ("spans", "logs", "changes", "services", "the capture", "comparing")
"""Remarks that are told one by one; those about single signals are counted."""


@contextmanager
def looking() -> Iterator[Callable[[str], None]]:
    """Gives the function that takes remarks."""
    talk("looking at metrics, logs, traces and changes ...")
    if not sys.stderr.isatty():
        yield lambda remark: talk(f"  {remark}") if remark.startswith(SHOWN) else None
        return
    signals = 0
    with talk_console().status("asking ...") as status:

        def tell(remark: str) -> None:
            nonlocal signals
            if remark.startswith(SHOWN):
                talk_console().print(f"  {remark}", style="dim", markup=False)
            else:
                signals += 1
                status.update(f"{signals} series of signals")

        yield tell
