"""The outermost link: refusals are journaled too, and every call is a span and a measurement."""

from __future__ import annotations

from dataclasses import dataclass

from opentelemetry import metrics, trace
from opentelemetry.trace import Status, StatusCode

from steersman.domain.call import Call, Outcome
from steersman.domain.errors import GuardrailError, SteersmanError
from steersman.domain.event import Refused
from steersman.domain.ports import Caller, Clock
from steersman.gate.redaction import Redactor
from steersman.journal.port import Entries

_tracer = trace.get_tracer("steersman.gate")
_duration = metrics.get_meter("steersman.gate").create_histogram(
    "steersman.gate.call.duration", unit="s", description="Calls through the gate, by operation and result"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Writes down what the guards inside refuse. Spans carry names and results, never arguments."""

    entries: Entries
    redactor: Redactor
    clock: Clock
    inner: Caller

    async def call(self, call: Call) -> Outcome:
        """Raises what the inner links raise, with secrets taken out of the message of a refusal."""
        began, result = self.clock.monotonic(), "error"
        with _tracer.start_as_current_span(
            f"call {call.operation}",
            attributes={
                "steersman.operation": call.operation,
                "steersman.route": call.route,
                "steersman.run_id": call.run_id,
                "steersman.step_id": call.step_id,
                "steersman.direction": call.direction,
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                outcome = await self.inner.call(call)
                result = "ok"
            except GuardrailError as e:
                result = type(e).__name__
                await self._refused(call, e)
                raise
            except SteersmanError as e:
                result = type(e).__name__
                raise
            finally:
                span.set_status(
                    Status(StatusCode.OK if result == "ok" else StatusCode.ERROR, None if result == "ok" else result)
                )
                attributes = {"steersman.operation": call.operation, "steersman.result": result}
                _duration.record(self.clock.monotonic() - began, attributes)
        return outcome

    async def _refused(self, call: Call, error: GuardrailError) -> None:
        event = Refused(
            operation=call.operation,
            route=call.route,
            principal=call.principal,
            guard=error.guard or "gate",
            error=type(error).__name__,
            reason=self.redactor.text(str(error)),
        )
        await self.entries.append(call.run_id, event)
