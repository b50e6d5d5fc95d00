"""The lab's collector as a source of telemetry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.fact import Fact, JsonObject
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
"""What the collector can measure."""

T = TypeVar("T")


class _Columns(Fact):
    times: tuple[float, ...]
    values: tuple[float, ...]
    counts: tuple[float, ...] = ()


class _Page(Fact):
    items: list[JsonObject]
    left_out: int


@dataclass(frozen=True, slots=True)
class LabSource:
    """Implements `domain.ports.Source`.

    client: carries the collector's base URL and token; whoever opened it closes it.
    """

    client: httpx.AsyncClient

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal; request signals come from server spans with their exact times, the youngest second left out."""
        found = _read(_Columns, await self._ask("range", selector, window, {"signal": signal}))
        return Series(signal=signal, selector=selector, times=found.times, values=found.values, counts=found.counts)

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Log lines, oldest first."""
        page = _read(_Page, await self._ask("logs", selector, window, {"limit": limit}))
        return LogPage(records=_read(tuple[LogRecord, ...], page.items), left_out=page.left_out)

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans, oldest first."""
        page = _read(_Page, await self._ask("spans", selector, window, {"limit": limit}))
        return SpanPage(spans=_read(tuple[Span, ...], page.items), left_out=page.left_out)

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Deployments, traffic shifts and restarts, as the controller saw them."""
        page = _read(_Page, await self._ask("changes", Selector(), window, {}))
        return _read(tuple[Change, ...], page.items)

    async def _ask(self, path: str, selector: Selector, window: Window, more: JsonObject) -> object:
        body = {"window": window.model_dump(mode="json"), "selector": selector.model_dump(mode="json"), **more}
        try:
            response = await self.client.post(f"/{path}", json=body)
        except httpx.TransportError as e:
            raise UnavailableError(
                f"the lab's collector does not answer ({type(e).__name__}); `steer lab status`"
            ) from e
        try:
            document: object = response.json()
        except ValueError as e:
            raise ToolError(f"the lab's collector answered {response.status_code} without JSON") from e
        if not response.is_success:
            said = document.get("error") if isinstance(document, dict) else document
            raise ToolError(f"the lab's collector refuses /{path}: {said}")
        return document


def _read(kind: type[T], document: object) -> T:
    try:
        return TypeAdapter(kind).validate_python(document, strict=False)
    except ValidationError as e:
        raise ToolError(f"the lab's collector answered in another form than expected: {e.errors()[0]['msg']}") from e
