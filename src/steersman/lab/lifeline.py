"""No orphans: a process ends when the one that it depends on does, however that one ended.

Two ways, because neither is enough: the kernel's signal at the parent's death (Linux) reaches a process that computes
or blocks; a pipe whose writing end only the controller holds works everywhere.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Asks the kernel to kill this process when its parent dies; ends at once when `parent` is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def watch(reading_end: int, ended: Callable[[], None]) -> None:
    """Calls `ended` once when the other end of the pipe has been closed, by whatever means."""
    loop = asyncio.get_running_loop()

    def look() -> None:
        if not os.read(reading_end, 1):
            loop.remove_reader(reading_end)
            ended()

    loop.add_reader(reading_end, look)
