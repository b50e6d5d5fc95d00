"""Telemetry is fetched at once; what does not answer is a hole and costs one timeout."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from steersman.agents.investigate import SIGNALS, Scope, investigate
from steersman.diagnosis.bundle import Bundle
from steersman.domain.errors import UnavailableError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.testing.shop import LENGTH_S, START, Faults, Shop, window


class Recorded:
    """A source over the shop's telemetry, parts of which may be down or silent."""

    def __init__(
        self, faults: Faults, *, down: frozenset[str] = frozenset(), silent: frozenset[str] = frozenset()
    ) -> None:
        self.gathered = Shop(faults).gathered()
        self.down, self.silent = down, silent
        self.asked: Counter[str] = Counter()
        self.together, self.most = 0, 0
        self.began = asyncio.Event()

    async def _answer(self, what: str) -> None:
        self.asked[what] += 1
        self.began.set()
        self.together += 1
        self.most = max(self.most, self.together)
        try:
            await asyncio.sleep(0)
            if what in self.silent:
                await asyncio.Event().wait()
            if what in self.down:
                raise UnavailableError(f"{what} is down: 'http://x'; start it")
        finally:
            self.together -= 1

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        await self._answer(signal)
        for one in self.gathered.series:
            if (one.signal, one.selector) == (signal, selector):
                return one
        return Series(signal=signal, selector=selector, times=(), values=())

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        await self._answer("logs")
        healthy = window.end <= START
        return LogPage(records=tuple(self.gathered.healthy_logs if healthy else self.gathered.suspect_logs))

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        await self._answer("spans")
        healthy = window.end <= START
        return SpanPage(spans=tuple(self.gathered.healthy_spans if healthy else self.gathered.suspect_spans))

    async def changes(self, window: Window) -> tuple[Change, ...]:
        await self._answer("changes")
        return self.gathered.changes


SLOW_PAYMENTS = Faults(own={"payments": 0.3})


async def test_the_cause_is_found_in_what_a_source_tells() -> None:
    found = await investigate("왜 느려?", window(), Recorded(SLOW_PAYMENTS))
    assert found.root_causes[0].service == "payments"
    assert found.question == "왜 느려?"
    assert found.holes == ()
    assert found.cost.calls == 5 + 4 * len(SIGNALS)


async def test_all_is_asked_at_once() -> None:
    source = Recorded(SLOW_PAYMENTS)
    await investigate("?", window(), source, scope=Scope(services=("front", "catalog", "checkout", "payments")))
    assert source.most >= 5
    assert source.asked["spans"] == source.asked["logs"] == 2


async def test_the_baseline_is_as_long_as_the_window_unless_said_otherwise() -> None:
    class Windows(Recorded):
        seen: list[Window]

        async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
            self.seen.append(window)
            return await super().spans(selector, window, limit=limit)

    source = Windows(SLOW_PAYMENTS)
    source.seen = []
    await investigate("?", window(), source)
    assert sorted((w.start - START).total_seconds() for w in source.seen) == [-LENGTH_S, 0.0]


@pytest.mark.parametrize("part", ["spans", "logs", "changes", "cpu"])
async def test_a_part_that_is_down_is_a_hole_and_never_all_is_well(part: str) -> None:
    found = await investigate("?", window(), Recorded(Faults(), down=frozenset({part})))
    assert found.result == "not_enough_data"
    assert any(hole.startswith(part) for hole in found.holes)


async def test_a_hole_says_nothing_that_came_from_outside() -> None:
    found = await investigate("?", window(), Recorded(Faults(), down=frozenset({"logs"})))
    assert found.holes == ("logs of the baseline: UnavailableError", "logs: UnavailableError")


async def test_a_cause_is_named_though_a_part_is_down() -> None:
    found = await investigate("?", window(), Recorded(SLOW_PAYMENTS, down=frozenset({"logs", "cpu"})))
    assert (found.result, found.root_causes[0].service) == ("cause", "payments")
    assert found.holes


async def test_a_silent_signal_costs_one_timeout_and_not_one_for_each_service() -> None:
    source = Recorded(SLOW_PAYMENTS, silent=frozenset({"cpu"}))
    found = await investigate("?", window(), source, scope=Scope(timeout_s=0.05, parallel=2))
    assert source.asked["cpu"] <= 2
    assert "cpu: no answer within 0.05 s" in found.holes


async def test_everything_silent_is_not_enough_data() -> None:
    parts = frozenset({"spans", "logs", "changes", *SIGNALS})
    found = await investigate("?", window(), Recorded(Faults(), silent=parts), scope=Scope(timeout_s=0.02))
    assert found.result == "not_enough_data"
    assert found.root_causes == ()


async def test_a_source_with_columns_is_read_at_once() -> None:
    class Columns(Recorded):
        async def bundle(self, window: Window | None, baseline: Window | None) -> Bundle:
            self.asked["bundle"] += 1
            return Shop(SLOW_PAYMENTS).bundle()

    source = Columns(SLOW_PAYMENTS)
    found = await investigate("?", window(), source)
    assert source.asked == {"bundle": 1}
    assert found.root_causes[0].service == "payments"


async def test_cancelling_cancels_what_is_under_way() -> None:
    source = Recorded(Faults(), silent=frozenset({"spans"}))
    task = asyncio.create_task(investigate("?", window(), source))
    await source.began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.together == 0


async def test_an_alert_long_before_the_window_is_no_longer_an_onset_before_it() -> None:
    scope = Scope(alert_at=START - timedelta(days=1))
    found = await investigate("?", window(), Recorded(SLOW_PAYMENTS), scope=scope)
    assert found.root_causes[0].service == "payments"
