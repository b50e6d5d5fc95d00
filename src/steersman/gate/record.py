"""The outermost link: refusals are journaled too, and every call is a span and a measurement."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, Status, StatusCode

from steersman.domain.call import Call, Outcome
from steersman.domain.errors import GuardrailError, SteersmanError
from steersman.domain.event import Event
from steersman.domain.ports import Clock
from steersman.gate.history import History
from steersman.gate.passage import refusal
from steersman.gate.redaction import Redactor
from steersman.journal.port import Entries

_tracer = trace.get_tracer("steersman.gate")
_duration = metrics.get_meter("steersman.gate").create_histogram(
    "steersman.gate.call.duration", unit="s", description="Calls through the gate, by operation and result"
)


class Admits(Protocol):
    """The link inside: it turns a call into a passage."""

    async def __call__(self, call: Call, notes: list[Event], within: History | None) -> Outcome:
        """Lets the call pass inward, or raises."""
        ...

    def knows(self, operation: str) -> bool:
        """Whether there is such an operation."""
        ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """Writes down what the links inside found out and refused. Spans carry names and results, never arguments."""

    entries: Entries
    redactor: Redactor
    clock: Clock
    inner: Admits

    async def call(self, call: Call) -> Outcome:
        """Raises what the inner links raise, with secrets taken out of the message."""
        notes: list[Event] = []
        try:
            return await self._measured(call, notes, None)
        finally:
            if notes:
                # Shielded: what was decided or refused is written even when the caller was cancelled.
                await asyncio.shield(self.entries.append(call.run_id, *map(self.redactor.line, notes)))

    async def look(self, call: Call, notes: list[Event], within: History | None) -> Outcome:
        """A read on behalf of a call that was let through already; its lines go with that call's."""
        return await self._measured(call, notes, within or History())

    async def _measured(self, call: Call, notes: list[Event], within: History | None) -> Outcome:
        began, error = self.clock.monotonic(), ""
        # A name that nobody registered comes from outside and would be a new time series each time.
        name = call.operation if self.inner.knows(call.operation) else "unknown"
        attributes = {"steersman.operation": name, "steersman.route": call.route}
        with _tracer.start_as_current_span(
            f"call {name}",
            attributes={
                **attributes,
                "steersman.run_id": call.run_id,
                "steersman.step_id": call.step_id,
                "steersman.direction": call.direction,
            },
            record_exception=False,  # messages of foreign errors may hold arguments
            set_status_on_exception=False,
        ) as span:
            try:
                return await self.inner(call, notes, within)
            except SteersmanError as e:
                error = type(e).__name__
                self.redactor.scrub(e)
                if isinstance(e, GuardrailError) and within is None:
                    notes.append(refusal(call, e.guard or "gate", e, reason=str(e)))
                raise
            except BaseException as e:
                error = type(e).__name__
                raise
            finally:
                _conclude(span, error)
                failed = {"error.type": error} if error else {}
                _duration.record(self.clock.monotonic() - began, {**attributes, **failed})


def _conclude(span: Span, error: str) -> None:
    if error:
        span.set_attribute("error.type", error)
        span.set_status(Status(StatusCode.ERROR, error))
