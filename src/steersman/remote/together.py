"""Several questions at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def together(*work: Coroutine[Any, Any, T], at_once: int = 8) -> list[T]:
    """All results in order. The first failure ends the others and is raised as it is, not in a group."""
    room = asyncio.Semaphore(at_once)

    async def one(coroutine: Coroutine[Any, Any, T]) -> T:
        async with room:
            return await coroutine

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(coroutine)) for coroutine in work]
    except ExceptionGroup as e:
        raise e.exceptions[0] from e
    finally:
        for coroutine in work:
            coroutine.close()
    return [task.result() for task in tasks]
