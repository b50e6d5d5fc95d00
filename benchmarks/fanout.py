"""Wall time of the composite monitoring agent over sources of 0.2 to 2 s: that of the slowest, not their sum.

    python benchmarks/fanout.py [--quick] [--json]

Four sources, each of which takes its time for every single question: metrics (0.5 s), logs (0.2 s), spans (2 s),
changes (1 s). Measured are: all well; one down at once; one silent until its timeout. Bounds: all of it within 1.2
times the slowest (for a silent one: the timeout), the cause named all the same, and whoever was down or silent told as
a hole.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from steersman.agents.fanout import Member
from steersman.agents.monitoring import MonitoringDeps, composite_monitoring
from steersman.agents.scope import Scope
from steersman.domain.errors import UnavailableError
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.testing.benchmark import header, report
from steersman.testing.shop import SERVICES, Faults, Recorded, Shop, window

TAKES_S = {"prometheus": 0.5, "loki": 0.2, "tempo": 2.0, "grafana": 1.0}
TIMEOUT_S = 3.0
MOST = 1.2
T = TypeVar("T")


@dataclass
class Slow:
    """A source that takes its time, is down, or never answers."""

    inner: Recorded
    takes_s: float
    state: str = "well"

    async def _answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        if self.state == "down":
            raise UnavailableError("nobody listens; start it")
        await asyncio.sleep(self.takes_s if self.state == "well" else 3_600.0)
        return await ask()

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal."""
        return await self._answer(lambda: self.inner.range(signal, selector, window))

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Lines."""
        return await self._answer(lambda: self.inner.logs(selector, window, limit=limit))

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans."""
        return await self._answer(lambda: self.inner.spans(selector, window, limit=limit))

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Changes."""
        return await self._answer(lambda: self.inner.changes(window))

    async def services(self, window: Window) -> tuple[str, ...]:  # noqa: ARG002
        """What a source of metrics knows of services."""

        async def known() -> tuple[str, ...]:
            return SERVICES

        return await self._answer(known)


async def run(ill: str, state: str) -> tuple[float, Any]:
    shop = Recorded(Shop(Faults(own={"payments": 0.3}, lines={"payments": "Timeout: card network"})).gathered())
    members = tuple(
        Member.of(name, Slow(shop, takes, state if name == ill else "well")) for name, takes in TAKES_S.items()
    )
    agent = composite_monitoring(MonitoringDeps(members, scope=Scope(timeout_s=TIMEOUT_S)))
    started = time.perf_counter()
    answer = await agent.ainvoke({"question": "why is it slow?", "window": window()})
    return time.perf_counter() - started, answer["investigation"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="all well, and one silent")
    given = parser.parse_args()
    header("Composite monitoring over four sources", **{f"{name} s": takes for name, takes in TAKES_S.items()})
    tries = [("", "well"), *((name, "down") for name in TAKES_S), *((name, "silent") for name in TAKES_S)]
    asyncio.run(run("", "well"))  # imports
    rows, passed, worst = [], True, 0.0
    for ill, state in [tries[0], tries[-2]] if given.quick else tries:
        wall, found = asyncio.run(run(ill, state))
        slowest = max([takes for name, takes in TAKES_S.items() if name != ill] + [TIMEOUT_S] * (state == "silent"))
        cause = found.root_causes[0].service if found.root_causes else ""
        told = not ill or any(hole.startswith(ill) for hole in found.holes)
        ratio = wall / slowest
        worst = max(worst, ratio)
        passed = passed and ratio <= MOST and cause == "payments" and told
        rows.append([ill or "-", state, f"{wall:.2f}", f"{ratio:.2f}", cause, "yes" if told and ill else "-"])
    columns = ("source", "is", "wall s", "of the slowest", "cause", "told as a hole")
    return report(columns, rows, {"worst_ratio": worst}, passed=passed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
