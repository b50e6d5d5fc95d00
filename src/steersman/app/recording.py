"""Live telemetry kept as a capture, so that an incident can be looked at again and turned into a test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from steersman.agents.investigate import Scope, fetch
from steersman.app.wiring import App, new_run_id
from steersman.diagnosis.gathering import Gathered
from steersman.domain.errors import InputError
from steersman.domain.signal import Span, Window
from steersman.telemetry.capture_writer import CaptureCase, write_capture

TIMEOUT_S = 60.0
"""A recording may wait longer than an investigation for which somebody waits."""


async def record(app: App, folder: Path, *, window: Window, scope: Scope) -> CaptureCase:
    """Writes everything that an investigation of the window would see; who did not answer is noted in it.

    Raises InputError when the folder holds something, or when there is nothing to record.
    """
    if await asyncio.to_thread(_is_used, folder):
        raise InputError(f"{str(folder)!r} is not empty; name a new folder for the capture")
    asked = replace(scope, services=tuple(sorted({*scope.services, *app.world.services})), timeout_s=TIMEOUT_S)
    gathered = await fetch(app.source(new_run_id("record")), window, asked)
    case = case_of(gathered, app.world.environment.name, window=window, scope=scope)
    return await asyncio.to_thread(keep, gathered, folder, case)


def keep(gathered: Gathered, folder: Path, case: CaptureCase) -> CaptureCase:
    """Writes what was gathered. Raises InputError when that is nothing."""
    spans = (*gathered.healthy_spans, *gathered.suspect_spans)
    logs = (*gathered.healthy_logs, *gathered.suspect_logs)
    if not (spans or logs or any(series.times for series in gathered.series)):
        said = "; ".join(gathered.holes) or "sources answered, and had nothing of that window"
        raise InputError(f"nothing to record: {said}; `steer doctor` looks at each system")
    write_capture(folder, case, metrics=gathered.series, logs=logs, spans=spans)
    return case


def case_of(gathered: Gathered, name: str, *, window: Window, scope: Scope) -> CaptureCase:
    """What `case.json` says of it. The windows are marked, so that a replay compares what was compared."""
    spans = (*gathered.healthy_spans, *gathered.suspect_spans)
    return CaptureCase(
        case_id=f"{name}-{window.end:%Y%m%dT%H%M%S}",
        system=name,
        window=window,
        alert_time=scope.alert_at,
        candidates=_services(gathered),
        call_graph=tuple(sorted({*call_graph(spans), *gathered.edges})),
        changes=gathered.changes,
        suspect=scope.service,
        holes=gathered.holes,
        not_looked_at=gathered.not_looked_at,
    )


def _is_used(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


def call_graph(spans: Sequence[Span]) -> tuple[tuple[str, str], ...]:
    """Which service called which, by parents of spans."""
    services = {(span.trace_id, span.span_id): span.service for span in spans}
    pairs = ((services.get((span.trace_id, span.parent_id)), span.service) for span in spans)
    return tuple(sorted({(caller, callee) for caller, callee in pairs if caller and caller != callee}))


def _services(gathered: Gathered) -> tuple[str, ...]:
    found = {span.service for span in (*gathered.healthy_spans, *gathered.suspect_spans)}
    found |= {line.service for line in (*gathered.healthy_logs, *gathered.suspect_logs)}
    found |= {series.selector.service or "" for series in gathered.series if series.times}
    return tuple(sorted(found - {""}))
