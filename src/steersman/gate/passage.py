"""A call on its way through the gate: what is known of it grows from link to link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from steersman.domain.call import Call, Outcome
from steersman.domain.errors import GuardrailError, PolicyDeniedError, SteersmanError
from steersman.domain.event import CallIntended, Event, Refused
from steersman.domain.fact import JsonObject
from steersman.domain.ids import ResourceId
from steersman.domain.operation import Operation
from steersman.domain.policy import PolicyDecision
from steersman.domain.ports import Binding
from steersman.gate.history import History
from steersman.journal.port import Claim


@dataclass(frozen=True, slots=True)
class Passage:
    """A call with what the links before have found out."""

    call: Call
    binding: Binding
    resource: ResourceId
    notes: list[Event]
    """Lines for the journal that need no sync of their own: they go with the next one that does, at the latest when
    the call ends.
    """
    nested: bool = False
    """A look that belongs to a call which has been let through already: it uses that call's place and breaker."""
    history: History | None = None
    """What the journal says of the run; None for reads that nothing depends on."""
    decision: PolicyDecision | None = None
    claim: Claim | None = None
    attempt: int = 1
    earlier: CallIntended | None = None
    """The intent of the attempt before, which is known not to have happened."""
    before: JsonObject | None = None
    expected: JsonObject | None = None
    deadline: datetime | None = None

    @property
    def operation(self) -> Operation:
        """The registered operation: the only word on effect and risk."""
        return self.binding.operation

    @property
    def writes(self) -> bool:
        """Whether the call can change anything."""
        return self.operation.effect != "read" and not self.call.dry_run

    @property
    def timeout_s(self) -> float:
        """How long one attempt may take."""
        return self.call.timeout_s or self.operation.timeout_s


class Link(Protocol):
    """One wrapper of the chain; it does not know what is inside of it."""

    async def __call__(self, passage: Passage) -> Outcome:
        """Lets the call pass inward, or raises."""
        ...


Check = Callable[[Passage], Awaitable[Passage]]
"""A guard: gives the passage on, with what it found, or raises a GuardrailError."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """Asks a guard before the call. Whatever unexpected happens inside the guard is a denial."""

    name: str
    check: Check
    inner: Link

    async def __call__(self, passage: Passage) -> Outcome:
        """Raises what the guard raises, with the guard's name on it."""
        try:
            allowed = await self.check(passage)
        except GuardrailError as e:
            e.guard = e.guard or self.name
            raise
        except SteersmanError:
            raise
        except Exception as e:
            raise denial(self.name, e) from e
        return await self.inner(allowed)


def denial(guard: str, error: Exception) -> PolicyDeniedError:
    """What an unexpected error inside a guard becomes: the gate fails closed."""
    denied = PolicyDeniedError(f"the guard {guard!r} failed ({type(error).__name__}), which is a denial; report it")
    denied.guard = guard
    return denied


def refusal(call: Call, guard: str, error: SteersmanError, *, reason: str) -> Refused:
    """The line of a refusal."""
    return Refused(
        operation=call.operation,
        route=call.route,
        principal=call.principal,
        guard=guard,
        error=type(error).__name__,
        reason=reason,
    )
