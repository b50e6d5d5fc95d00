"""A capture of a lab's own telemetry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import TypeAdapter

from steersman.domain.errors import UnavailableError
from steersman.domain.signal import UNIT, Change, LogRecord, Selector, Series, SignalName, Span, Window
from steersman.lab.kit.identity import SERVICES
from steersman.lab.state import LabInfo
from steersman.telemetry.capture_writer import CaptureCase, write_capture

SLICE_S = 5.0
SLICE_LIMIT = 50_000
STEP_S = 1.0
_LOGS = TypeAdapter(tuple[LogRecord, ...])
_SPANS = TypeAdapter(tuple[Span, ...])
_CHANGES = TypeAdapter(tuple[Change, ...])


class Archive:
    """Questions to a lab's collector, answered whole."""

    def __init__(self, info: LabInfo) -> None:
        headers = {"authorization": f"Bearer {info.collector_token}"}
        self._client = httpx.Client(base_url=info.collector_url, headers=headers, timeout=30.0, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def series(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal of one thing."""
        found = self._ask("range", window, signal=signal, selector=selector.model_dump(mode="json"))
        return Series(signal=signal, selector=selector, times=tuple(found["times"]), values=tuple(found["values"]))

    def logs(self, window: Window) -> Iterator[LogRecord]:
        """Every line of the window."""
        for part in _slices(window):
            yield from _LOGS.validate_python(self._ask("logs", part, limit=SLICE_LIMIT)["items"])

    def spans(self, window: Window) -> Iterator[Span]:
        """Every span of the window."""
        for part in _slices(window):
            yield from _SPANS.validate_python(self._ask("spans", part, limit=SLICE_LIMIT)["items"])

    def changes(self, window: Window) -> tuple[Change, ...]:
        """What was done."""
        return _CHANGES.validate_python(self._ask("changes", window, limit=SLICE_LIMIT)["items"])

    def _ask(self, what: str, window: Window, **more: Any) -> dict[str, Any]:
        body = {"window": window.model_dump(mode="json"), **more}
        try:
            response = self._client.post(f"/{what}", json=body)
            response.raise_for_status()
        except httpx.HTTPError as e:
            raise UnavailableError(f"the lab's collector gave no answer to {what}: {e}") from e
        found: dict[str, Any] = response.json()
        return found


def record(
    info: LabInfo, folder: Path, *, until: datetime, since_s: float, alert: datetime | None = None
) -> CaptureCase:
    """Writes the last `since_s` seconds before `until` into a folder.

    alert: about when a person would have been paged, where anybody knows.
    """
    window = Window(start=until - timedelta(seconds=since_s), end=until, step_s=STEP_S)
    with Archive(info) as archive:
        spans = tuple(archive.spans(window))
        case = CaptureCase(
            case_id=f"{info.name}-{until:%Y%m%dT%H%M%S}",
            system="steersman-lab",
            window=window,
            alert_time=alert,
            candidates=SERVICES,
            call_graph=call_graph(spans),
            changes=archive.changes(window),
        )
        metrics = [archive.series(signal, who, window) for who in _instances(spans) for signal in UNIT]
        write_capture(folder, case, metrics=metrics, logs=archive.logs(window), spans=spans)
    return case


def call_graph(spans: tuple[Span, ...]) -> tuple[tuple[str, str], ...]:
    """Which service called which, by parents of spans."""
    services = {span.span_id: span.service for span in spans}
    found = {(services[span.parent_id], span.service) for span in spans if span.parent_id in services}
    return tuple(sorted((caller, callee) for caller, callee in found if caller != callee))


def _instances(spans: tuple[Span, ...]) -> list[Selector]:
    found = {(span.service, span.instance, span.version) for span in spans}
    return [
        Selector(service=service, instance=instance, version=version) for service, instance, version in sorted(found)
    ]


def _slices(window: Window) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        end = min(start + timedelta(seconds=SLICE_S), window.end)
        yield Window(start=start, end=end, step_s=window.step_s)
        start = end
