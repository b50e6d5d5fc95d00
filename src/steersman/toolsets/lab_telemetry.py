"""Telemetry of a lab, from the lab's own collector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from steersman.domain.errors import UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.signal import Change, LogPage, LogRecord, Selector, Series, SignalName, Span, SpanPage, Window

SIGNALS: frozenset[SignalName] = frozenset(
    {
        "error_rate",
        "request_rate",
        "latency_p50",
        "latency_p95",
        "latency_p99",
        "cpu",
        "memory",
        "disk_latency",
        "queue_depth",
        "pool_usage",
        "restarts",
        "up",
    }
)
"""What the lab measures."""
TIMEOUT_S = 10.0
T = TypeVar("T")
_LOGS = TypeAdapter(tuple[LogRecord, ...])
_SPANS = TypeAdapter(tuple[Span, ...])
_CHANGES = TypeAdapter(tuple[Change, ...])


class LabSource:
    """A `Source` over the collector's HTTP API.

    client: carries the collector's URL and token; whoever opened it closes it.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal over a window. Request signals are exact by server spans, with the requests behind each point."""
        found = await self._ask("range", window, selector, signal=signal)
        return _checked(
            lambda: Series(
                signal=signal,
                selector=selector,
                times=tuple(found["times"]),
                values=tuple(found["values"]),
                counts=tuple(found["counts"]),
            )
        )

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Log lines, oldest first."""
        found = await self._ask("logs", window, selector, limit=limit)
        return _checked(lambda: LogPage(records=_LOGS.validate_python(found["items"]), left_out=found["left_out"]))

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans, oldest first."""
        found = await self._ask("spans", window, selector, limit=limit)
        return _checked(lambda: SpanPage(spans=_SPANS.validate_python(found["items"]), left_out=found["left_out"]))

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Deployments, shifts of traffic, configuration, restarts; oldest first."""
        found = await self._ask("changes", window, Selector(), limit=10_000)
        return _checked(lambda: _CHANGES.validate_python(found["items"]))

    async def _ask(self, what: str, window: Window, selector: Selector, **more: Any) -> dict[str, Any]:
        body: JsonObject = {
            "window": window.model_dump(mode="json"),
            "selector": selector.model_dump(mode="json"),
            **more,
        }
        try:
            response = await self._client.post(f"/{what}", json=body, timeout=TIMEOUT_S)
            response.raise_for_status()
            document = response.json()
        except (httpx.HTTPError, ValueError) as e:
            raise UnavailableError(
                f"the lab's collector at {self._client.base_url} gave no answer to {what}: {e}"
            ) from e
        if not isinstance(document, dict):
            raise UnavailableError(f"the lab's collector answered {what} with {type(document).__name__}, not an object")
        return document


def _checked(make: Callable[[], T]) -> T:
    try:
        return make()
    except (KeyError, TypeError, ValidationError) as e:
        raise UnavailableError(f"the lab's collector answered in another form: {e}") from e
