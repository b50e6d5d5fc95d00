"""A signal held against a bound, as plans look at it before and after a change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from steersman.domain.ports import Clock
from steersman.domain.signal import Selector, SignalName, Window
from steersman.toolsets.prometheus.facts import Check, CheckAnswer
from steersman.toolsets.prometheus.source import PrometheusSource

POINTS = 60
SHORTEST_STEP_S = 15.0
AT_LEAST: frozenset[SignalName] = frozenset({"up", "request_rate"})
"""Signals of which more is better: the bound is the least that is good."""


@dataclass(frozen=True, slots=True)
class Checker:
    """Measures by the same conventions as conditions and investigations do."""

    source: PrometheusSource
    clock: Clock

    async def check(self, ask: Check) -> CheckAnswer:
        """The mean of the window's points. Raises NoSourceError when no metric measures the signal."""
        end = self.clock.now()
        step_s = max(ask.window_s / POINTS, SHORTEST_STEP_S)
        window = Window(start=end - timedelta(seconds=ask.window_s), end=end, step_s=step_s)
        values = (await self.source.range(ask.signal, Selector(service=ask.service), window)).values
        if not values:
            return CheckAnswer(value=None, points=0, ok=False)
        mean = sum(values) / len(values)
        keeps = mean >= ask.bound if ask.signal in AT_LEAST else mean <= ask.bound
        return CheckAnswer(value=mean, points=len(values), ok=keeps)
