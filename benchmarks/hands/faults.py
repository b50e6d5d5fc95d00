"""What an inverse meets on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from steersman.app.store import CLOCK
from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import Binding, CallContext, Toolset

Fault = Literal[
    "none", "refuses once", "refuses", "away once", "lost answer", "lost request", "silence", "blind", "others"
]
FAULTS: tuple[Fault, ...] = (
    *("none",) * 6,
    *("refuses once", "refuses", "away once", "lost answer", "lost request", "silence", "blind", "others"),
)
"""refuses: an error answer, once or always; away: not reached; lost answer: done and not answered; lost request:
neither; silence: no answer until the time is over; blind: nobody can look for a while; others: somebody else has
changed the thing before the undo.
"""
UNDO = "/undo"
SHORT_S = 2.0
"""The time that a silent inverse has; longer ones only take longer."""
BLIND = 2


@dataclass(slots=True)
class Faulty:
    """A toolset whose inverses meet a fault."""

    inner: Toolset
    fault: Fault = "none"
    first_inverse_at: float | None = None
    """When the first inverse reached the toolset, on the monotonic clock."""
    undos: int = 0
    blind: int = 0

    @property
    def name(self) -> str:
        """First part of its operations' names."""
        return self.inner.name

    async def environment(self) -> Environment:
        """What it acts on."""
        return await self.inner.environment()

    def bindings(self) -> Sequence[Binding]:
        """All of its operations."""
        return [self._wrapped(binding) for binding in self.inner.bindings()]

    def _wrapped(self, binding: Binding) -> Binding:
        operation = binding.operation
        if operation.effect == "read":
            return Binding(operation, self._looking(binding))
        if self.fault in ("silence", "lost request"):  # a forward step has a time of its own
            operation = operation.model_copy(update={"timeout_s": min(operation.timeout_s, SHORT_S)})
        return Binding(operation, self._writing(binding))

    def _looking(self, binding: Binding):
        async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
            if context.key.endswith(UNDO) and self.fault == "blind" and self.blind < BLIND:
                self.blind += 1
                raise UnavailableError(f"{self.name} cannot be reached")
            return await binding.run(arguments, context)

        return run

    def _writing(self, binding: Binding):
        async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
            if not context.key.endswith(UNDO):
                return await binding.run(arguments, context)
            self.first_inverse_at = self.first_inverse_at or CLOCK.monotonic()
            self.undos += 1
            await self._meet(first=self.undos == 1)
            answer = await binding.run(arguments, context)
            if self.fault == "lost answer" and self.undos == 1:
                raise OutcomeUnknownError("the connection was closed before the answer")
            return answer

        return run

    async def _meet(self, *, first: bool) -> None:
        if self.fault == "refuses" or (self.fault == "refuses once" and first):
            raise ToolError("the system refuses")
        if self.fault == "away once" and first:
            raise UnavailableError("the system cannot be reached")
        if self.fault == "lost request" and first:
            raise OutcomeUnknownError("the connection was closed before the answer")
        if self.fault == "silence" and first:
            await asyncio.sleep(3_600)
