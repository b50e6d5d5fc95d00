"""Between a command and the asynchronous world: runs it, and turns Ctrl-C and SIGTERM into orderly ends."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def go(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end; the one place with `asyncio.run`."""
    return asyncio.run(work)
