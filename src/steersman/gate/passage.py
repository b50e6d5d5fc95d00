"""A call on its way through the gate: what is known of it grows from link to link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from steersman.domain.call import Call, Outcome
from steersman.domain.errors import GuardrailError, PolicyDeniedError, SteersmanError
from steersman.domain.fact import JsonObject
from steersman.domain.ids import ResourceId
from steersman.domain.operation import Operation
from steersman.domain.policy import PolicyDecision
from steersman.domain.ports import Binding
from steersman.journal.port import Claim


@dataclass(frozen=True, slots=True)
class Passage:
    """A call with what the links before have found out."""

    call: Call
    binding: Binding
    resource: ResourceId
    decision: PolicyDecision | None = None
    claim: Claim | None = None
    before: JsonObject | None = None
    expected: JsonObject | None = None
    attempt: int = 1

    @property
    def operation(self) -> Operation:
        """The registered operation: the only word on effect and risk."""
        return self.binding.operation

    @property
    def writes(self) -> bool:
        """Whether the call can change anything."""
        return self.operation.effect != "read" and not self.call.dry_run


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
            denial = PolicyDeniedError(f"the guard {self.name!r} failed ({type(e).__name__}), which is a denial")
            denial.guard = self.name
            raise denial from e
        return await self.inner(allowed)
