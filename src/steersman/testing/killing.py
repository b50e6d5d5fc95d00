"""Wrappers that kill their own process with SIGKILL at a chosen boundary of the journal or of a tool call."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from steersman.domain.call import Direction
from steersman.domain.environment import Environment
from steersman.domain.event import CallIntended, CallSettled, Event, RunMoved
from steersman.domain.fact import JsonObject
from steersman.domain.ids import RunId
from steersman.domain.ports import Binding, CallContext, Toolset
from steersman.journal.port import Claim, Journal

Point = Literal[
    "before_intent",
    "after_intent",
    "during_call",
    "after_call",
    "before_outcome",
    "after_outcome",
    "waiting",
    "undoing",
]
"""after_call: the tool has answered; before_outcome: just before the answer is journaled; after_outcome: it is
journaled, and nothing that follows from it; waiting: parked for approval; undoing: the undo has been announced.
"""


@dataclass(slots=True)
class Fuse:
    """Where this process dies: at the n-th time that it comes to a point."""

    point: Point
    direction: Direction
    nth: int

    def at(self, point: Point, direction: Direction = "do") -> None:
        """Dies here, when here is where."""
        if self.lit(point, direction):
            die()

    def lit(self, point: Point, direction: Direction) -> bool:
        """Counts; whether this is the time."""
        if (point, direction) != (self.point, self.direction):
            return False
        self.nth -= 1
        return self.nth == 0


def die() -> None:
    """As the kernel does it: no handler, no `finally`, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


class KillingJournal:
    """A journal with a fuse. What it does not watch goes straight through."""

    def __init__(self, inner: Journal, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def intend(self, run_id: RunId, intent: CallIntended, claim: Claim | None) -> CallSettled | None:
        """Before and after an intent."""
        self._fuse.at("before_intent", intent.direction)
        earlier = await self._inner.intend(run_id, intent, claim)
        self._fuse.at("after_intent", intent.direction)
        return earlier

    async def append(self, run_id: RunId, *events: Event) -> None:
        """Before and after an outcome, and when the run parks or turns back."""
        writes = [event for event in events if isinstance(event, CallSettled) and event.before is not None]
        for write in writes:
            self._fuse.at("before_outcome", write.direction)
        await self._inner.append(run_id, *events)
        for write in writes:
            self._fuse.at("after_outcome", write.direction)
        for event in events:
            if isinstance(event, RunMoved) and event.state == "waiting":
                self._fuse.at("waiting")
            if isinstance(event, RunMoved) and event.state == "undoing":
                self._fuse.at("undoing", "undo")


class KillingToolset:
    """A toolset with a fuse."""

    def __init__(self, inner: Toolset, fuse: Fuse, *, into_call_s: float) -> None:
        self._inner = inner
        self._fuse = fuse
        self._into_call_s = into_call_s

    @property
    def name(self) -> str:
        """First part of its operations' names."""
        return self._inner.name

    def bindings(self) -> Sequence[Binding]:
        """All of its operations."""
        return [self._with_fuse(binding) for binding in self._inner.bindings()]

    async def environment(self) -> Environment:
        """What it acts on."""
        return await self._inner.environment()

    def _with_fuse(self, binding: Binding) -> Binding:
        if binding.operation.effect == "read":
            return binding

        async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
            direction: Direction = "undo" if context.key.endswith("/undo") else "do"
            sending = asyncio.ensure_future(binding.run(arguments, context))
            if self._fuse.lit("during_call", direction):
                await asyncio.wait([sending], timeout=self._into_call_s)
                die()
            answer = await sending
            self._fuse.at("after_call", direction)
            return answer

        return Binding(binding.operation, run)
