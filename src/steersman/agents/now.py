"""What is measured now of the service that a goal names: recall ranks scenarios whose conditions hold."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from statistics import fmean

from steersman.domain.errors import GuardrailError, ToolError, UnavailableError
from steersman.domain.ports import Source
from steersman.domain.signal import Selector, SignalName, Window

LOOK_BACK = timedelta(minutes=5)
STEP_S = 15.0
PATIENCE_S = 3.0
"""A source that is slower tells recall nothing: its answer would only move the ranking."""


async def measured_now(
    source: Source, service: str, signals: Iterable[SignalName], *, now: datetime
) -> dict[SignalName, float]:
    """The mean of each signal over the last five minutes, in the signal's unit; those without data are left out."""
    window = Window(start=now - LOOK_BACK, end=now, step_s=STEP_S)

    async def one(signal: SignalName) -> tuple[SignalName, float | None]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                series = await source.range(signal, Selector(service=service), window)
        except (UnavailableError, ToolError, GuardrailError, TimeoutError):
            return signal, None
        return signal, fmean(series.values) if series.values else None

    found = await asyncio.gather(*(one(signal) for signal in sorted(signals)))
    return {signal: value for signal, value in found if value is not None}
