"""How a run is brought to a stop: the first reason counts, writes under way finish, waiting ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

HaltKind = Literal["cancel", "undo", "human", "wait", "pause", "drain"]
"""cancel: by command, effects stay; undo: by failure, breach or command; human: an outcome that cannot be settled;
wait: for approval; pause: inconclusive, or the kill switch; drain: this process ends, the run goes on in another.
"""

_RANK: dict[HaltKind, int] = {"cancel": 5, "undo": 4, "human": 3, "wait": 2, "pause": 1, "drain": 0}


@dataclass(frozen=True, slots=True)
class Halt:
    """Why nothing new starts."""

    kind: HaltKind
    reason: str
    refused: bool = False
    """A guard said no: a run without any effect ends as `refused`, not as `failed`."""


class InterruptedWaitError(Exception):
    """A read or a wait was broken off because the run halts. Never leaves the engine."""


@dataclass(slots=True)
class Control:
    """The brake of one run in this process."""

    halt: Halt | None = None
    _waiting: set[asyncio.Task[object]] = field(default_factory=set)
    _woken: set[asyncio.Task[object]] = field(default_factory=set)

    def stop(self, halt: Halt) -> None:
        """Nothing new starts; what only reads or waits is broken off. The weightier reason stays."""
        if self.halt is None or _RANK[halt.kind] > _RANK[self.halt.kind]:
            self.halt = halt
        for task in self._waiting - self._woken - {asyncio.current_task()}:
            self._woken.add(task)
            task.cancel()

    def halted(self) -> bool:
        """Whether nothing new may start."""
        return self.halt is not None

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Inside, a halt ends the wait with InterruptedWaitError. Only for writes that may be broken off."""
        task = asyncio.current_task()
        assert task is not None
        if self.halted():
            raise InterruptedWaitError
        before = task.cancelling()
        self._waiting.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if task in self._woken and task.cancelling() == before + 1:
                raise InterruptedWaitError from None
            raise
        finally:
            self._waiting.discard(task)
            if task in self._woken:
                self._woken.discard(task)
                task.uncancel()
