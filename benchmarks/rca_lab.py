"""The lab's labelled faults and controls, found in live telemetry: real processes, real traffic, no recording.

    python benchmarks/rca_lab.py [--repeats 5] [--only catalog:cpu_burn ...] [--json] [--quick] [--keep DIR]
    python benchmarks/rca_lab.py --again DIR

For each fault: a healthy stretch, the fault, a stretch with it; then the product's investigation of the second stretch
against the first, out of the lab's own collector. The label is read here, after the answer. Bounds: service right at
rank 1 in at least 90 %, kind right in at least 75 %, a fault claimed in at most 5 % of the controls (with few of them:
in none). A busy machine slows every service of the lab: its load is printed with the figures. `--keep` saves what the
collector answered, and `--again` diagnoses that once more, without a lab: the same telemetry, another method.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from steersman.agents.investigate import Scope, investigate
from steersman.domain.errors import UnavailableError
from steersman.domain.fact import Fact
from steersman.domain.finding import Investigation
from steersman.domain.signal import Change, LogPage, Selector, Series, SignalName, SpanPage, Window
from steersman.lab.catalogue import CONTROLS, FAULTS, LabFault
from steersman.lab.control import RATE, LabClient, down, up
from steersman.toolsets.lab_telemetry import LabSource

NAME = "rca"
HEALTHY_S, ILL_S, LAG_S, SETTLE_S = 25.0, 22.0, 1.5, 12.0
RECOVER_S, WELL = 90.0, 0.02
SERVICE, KIND, ALARMS = 0.90, 0.75, 0.05
QUICK = (("payments", "error_bug"), ("catalog", "network_delay"), ("checkout", "queue_backlog"))


@dataclass(frozen=True)
class Try:
    """One fault or control, and what was said."""

    label: str
    service: str
    kind: str
    found: Investigation

    @property
    def named(self) -> tuple[str, str]:
        """Service and kind of the likeliest cause; empty when none was named."""
        cause = self.found.root_causes[0] if self.found.root_causes else None
        return (cause.service, cause.kind) if cause else ("", "")


@contextmanager
def fault(client: LabClient, what: LabFault) -> Iterator[None]:
    client.fault(what.service, what.kind, on=True)
    try:
        yield
    finally:
        client.fault(what.service, what.kind, on=False)


@contextmanager
def traffic_step(client: LabClient) -> Iterator[None]:
    client.load(RATE * 1.6)
    try:
        yield
    finally:
        client.load(RATE)


@contextmanager
def good_release(client: LabClient) -> Iterator[None]:
    version = "v2-good"
    built = client.ask("build", {"service": "payments", "version": version})
    start = {"service": "payments", "pool": "green", "version": version, "digest": built["digest"]}
    client.ask("start", start)
    client.ask("wait_ready", {"service": "payments", "pool": "green", "timeout_s": 20.0})
    try:
        client.ask("set_weights", {"service": "payments", "weights": {"blue": 0, "green": 100}})
        yield
    finally:
        client.ask("set_weights", {"service": "payments", "weights": {"blue": 100, "green": 0}})
        client.ask("stop", {"service": "payments", "pool": "green"})


@contextmanager
def quiet(_: LabClient) -> Iterator[None]:
    yield


def stretch(seconds: float) -> tuple[datetime, datetime]:
    start = datetime.now(UTC)
    time.sleep(seconds)
    return start, datetime.now(UTC)


class Kept:
    """The lab's answers, kept; or given again, when there is no lab."""

    def __init__(self, inner: LabSource | None, answers: dict[str, Any]) -> None:
        self.inner, self.answers = inner, answers

    async def _answer(self, verb: str, *words: Any, **more: Any) -> Any:
        key = f"{verb} {words!r}"
        if self.inner is not None:
            self.answers[key] = await getattr(self.inner, verb)(*words, **more)
        if key not in self.answers:
            raise UnavailableError(f"{verb!r} was not answered when this was kept")
        found = self.answers[key]
        # What was kept before a field came into being has its default.
        return type(found).model_construct(**found.__dict__) if isinstance(found, Fact) else found

    async def range(self, signal: SignalName, selector: Selector, window: Window) -> Series:
        """One signal."""
        return await self._answer("range", signal, selector, window)

    async def logs(self, selector: Selector, window: Window, *, limit: int = 1_000) -> LogPage:
        """Lines."""
        return await self._answer("logs", selector, window, limit=limit)

    async def spans(self, selector: Selector, window: Window, *, limit: int = 1_000) -> SpanPage:
        """Spans."""
        return await self._answer("spans", selector, window, limit=limit)

    async def changes(self, window: Window) -> tuple[Change, ...]:
        """Changes."""
        return await self._answer("changes", window)


async def diagnosed(source: Kept, window: Window, baseline: Window) -> Investigation:
    return await investigate("what is wrong?", window, source, scope=Scope(baseline=baseline))


def look(client: LabClient, state: AbstractContextManager[None], keep: Path | None) -> Investigation:
    recovered(client)
    healthy = stretch(HEALTHY_S)
    with state:
        ill = stretch(ILL_S)

    async def ask() -> Investigation:
        async with collector(client) as http:
            window = Window(start=ill[0], end=ill[1] - timedelta(seconds=LAG_S), step_s=1.0)
            baseline = Window(start=healthy[0], end=healthy[1], step_s=1.0)
            source = Kept(LabSource(http), {})
            found = await diagnosed(source, window, baseline)
            kept.append((window, baseline, source.answers))
            return found

    kept: list[Any] = []
    found = asyncio.run(ask())
    if keep is not None:
        keep.write_bytes(pickle.dumps(kept[0]))
    return found


def collector(client: LabClient) -> httpx.AsyncClient:
    info = client.info
    headers = {"authorization": f"Bearer {info.collector_token}"}
    return httpx.AsyncClient(base_url=info.collector_url, headers=headers, trust_env=False)


def recovered(client: LabClient) -> None:
    """Waits until customers are served again: what went before must not lie in the next healthy stretch."""

    async def failing() -> float:
        async with collector(client) as http:
            end = datetime.now(UTC) - timedelta(seconds=LAG_S)
            window = Window(start=end - timedelta(seconds=5), end=end, step_s=1.0)
            rates = (await LabSource(http).range("error_rate", Selector(service="front"), window)).values
            return max(rates, default=1.0)

    time.sleep(SETTLE_S)
    until = time.monotonic() + RECOVER_S
    while asyncio.run(failing()) > WELL and time.monotonic() < until:
        time.sleep(1.0)


def run(client: LabClient, faults: list[LabFault], repeats: int, keep: Path | None) -> list[Try]:
    controls: dict[str, Callable[[LabClient], AbstractContextManager[None]]] = {
        "traffic_step": traffic_step,
        "good_release": good_release,
        "quiet": quiet,
    }
    assert controls.keys() == CONTROLS.keys()
    tries = []
    for repeat in range(repeats):
        for what in faults:
            label = f"{what.service}:{what.kind}"
            found = look(client, fault(client, what), keep and keep / f"{label}.{repeat}.pickle")
            tries.append(tell(Try(label, what.service, what.kind, found)))
        for name, state in controls.items():
            found = look(client, state(client), keep and keep / f"{name}.{repeat}.pickle")
            tries.append(tell(Try(name, "", "", found)))
    return tries


def again(folder: Path) -> list[Try]:
    """Diagnoses what was kept."""
    tries = []
    for path in sorted(folder.glob("*.pickle")):
        window, baseline, answers = pickle.loads(path.read_bytes())
        label = path.name.split(".")[0]
        service, _, kind = label.partition(":")
        found = asyncio.run(diagnosed(Kept(None, answers), window, baseline))
        tries.append(tell(Try(label, service if kind else "", kind, found)))
    return tries


def tell(one: Try) -> Try:
    good = one.named[0] == one.service and (not one.service or one.named[1] == one.kind)
    version = one.found.root_causes[0].version if one.found.root_causes else ""
    said = " ".join(filter(None, (*one.named, version))) or one.found.result
    print(f"{'ok ' if good else 'NO '}{one.label:<30}{said:<40}{one.found.cost.seconds:5.1f} s", flush=True)
    return one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--keep", type=Path, help="a folder for what the collector answered")
    parser.add_argument("--again", type=Path, help="a folder made by --keep: no lab")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="three faults")
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"{platform.platform()}, Python {platform.python_version()}, commit {commit.stdout.strip()}")
    if options.again:
        return report(again(options.again), as_json=options.json)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    chosen = [
        f
        for f in FAULTS
        if (not options.only or f"{f.service}:{f.kind}" in options.only)
        and (not options.quick or (f.service, f.kind) in QUICK)
    ]
    with tempfile.TemporaryDirectory() as folder:
        started = up(Path(folder), NAME, rate=RATE, keep=True, seed=1)
        try:
            with LabClient(started.info) as client:
                tries = run(client, chosen, options.repeats, options.keep)
        finally:
            down(Path(folder), NAME)
    return report(tries, as_json=options.json)


def report(tries: list[Try], *, as_json: bool) -> int:
    ill, well = [t for t in tries if t.service], [t for t in tries if not t.service]
    service = sum(t.named[0] == t.service for t in ill) / max(len(ill), 1)
    kind = sum(t.named == (t.service, t.kind) for t in ill) / max(len(ill), 1)
    alarms = sum(bool(t.named[0]) for t in well) / max(len(well), 1)
    seconds = sorted(t.found.cost.seconds for t in tries)[len(tries) // 2]
    print(f"service right {service:.2f}, kind right {kind:.2f} of {len(ill)}")
    print(f"alarms in {alarms:.2f} of {len(well)} controls")
    print(f"an investigation takes {seconds:.1f} s (median); load of the machine {os.getloadavg()[0]:.1f}")
    ok = service >= SERVICE and kind >= KIND and alarms <= ALARMS
    if as_json:
        rows: list[dict[str, Any]] = [
            {"label": t.label, "named": t.named, "result": t.found.result, "seconds": t.found.cost.seconds}
            for t in tries
        ]
        print(json.dumps({"pass": ok, "service": service, "kind": kind, "alarms": alarms, "tries": rows}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
