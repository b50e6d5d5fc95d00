"""Ways to see a fault in telemetry, as an investigator has them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TypeVar

from steersman.domain.signal import Selector, SignalName, Span, Window
from steersman.toolsets.lab_telemetry import LabSource

T = TypeVar("T")
Sight = Callable[["Eyes"], Awaitable[bool]]


def last(seconds: float, *, step_s: float = 0.5) -> Window:
    end = datetime.now(UTC)
    return Window(start=end - timedelta(seconds=seconds), end=end, step_s=step_s)


async def until(look: Callable[[], Awaitable[T | None]], *, for_s: float = 20.0) -> T:
    end = asyncio.get_running_loop().time() + for_s
    while (found := await look()) is None:
        assert asyncio.get_running_loop().time() < end, "not seen in time"
        await asyncio.sleep(0.3)
    return found


@dataclass(frozen=True)
class Eyes:
    source: LabSource
    since: datetime
    before: Mapping[tuple[str, str], float]
    """Signals as they were when all was well."""

    @property
    def window(self) -> Window:
        return Window(start=self.since, end=datetime.now(UTC), step_s=0.5)

    async def signal(self, name: SignalName, service: str, *, version: str | None = None) -> float | None:
        """Mean of the last half of what there is since the fault."""
        selector = Selector(service=service, version=version)
        values = (await self.source.range(name, selector, self.window)).values
        recent = values[len(values) // 2 :]
        return sum(recent) / len(recent) if recent else None

    async def spans(self) -> tuple[Span, ...]:
        return (await self.source.spans(Selector(), self.window, limit=100_000)).spans


def above(name: SignalName, service: str, bound: float, *, version: str | None = None) -> Sight:
    async def see(eyes: Eyes) -> bool:
        value = await eyes.signal(name, service, version=version)
        return value is not None and value > bound

    return see


def risen(name: SignalName, service: str, by: float) -> Sight:
    async def see(eyes: Eyes) -> bool:
        value = await eyes.signal(name, service)
        return value is not None and value - eyes.before[name, service] > by

    return see


def says(service: str, words: str) -> Sight:
    async def see(eyes: Eyes) -> bool:
        page = await eyes.source.logs(Selector(service=service), eyes.window, limit=10_000)
        return any(words in line.message for line in page.records)

    return see


def changed(kind: str) -> Sight:
    async def see(eyes: Eyes) -> bool:
        return any(change.kind == kind for change in await eyes.source.changes(eyes.window))

    return see


def many_spans(operation: str, at_least: int) -> Sight:
    """Some trace has at least that many spans of the operation."""

    async def see(eyes: Eyes) -> bool:
        counts: dict[str, int] = {}
        for span in await eyes.spans():
            counts[span.trace_id] = counts.get(span.trace_id, 0) + (span.operation == operation)
        return max(counts.values(), default=0) >= at_least

    return see


def gap_before(service: str, seconds: float) -> Sight:
    """Callers of the service wait that much longer than it takes."""

    async def see(eyes: Eyes) -> bool:
        spans = {span.span_id: span for span in await eyes.spans()}
        gaps = [
            spans[span.parent_id].duration_s - span.duration_s
            for span in spans.values()
            if span.service == service and span.parent_id in spans and spans[span.parent_id].service != service
        ]
        return len(gaps) > 5 and median(gaps) > seconds

    return see


def more_than(name: SignalName, service: str, times: float, *, other: str) -> Sight:
    async def see(eyes: Eyes) -> bool:
        mine, its = await eyes.signal(name, service), await eyes.signal(name, other)
        return mine is not None and its is not None and mine > times * its > 0

    return see
