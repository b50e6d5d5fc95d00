"""Do k6 and Locust agree, with each other and with what the target itself saw? And what does our wrapper cost?

A target of this repository, in a process of its own, counts each request and keeps an exact histogram of what it took.
The same profile goes through both generators by the product's toolset. Then bare k6 runs the very script beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.integration.load.target import Target, serving

from steersman.domain.environment import Environment
from steersman.domain.histogram import Histogram
from steersman.domain.load import Journey, LoadCaps, LoadProfile, Request, Stage
from steersman.domain.load_port import Generator
from steersman.domain.load_result import LoadResult
from steersman.domain.ports import CallContext
from steersman.judgement.generator_health import flaws
from steersman.toolsets.k6 import K6
from steersman.toolsets.load import LoadToolset
from steersman.toolsets.load.process import located
from steersman.toolsets.locust import Locust

RATE_BOUND, OVERHEAD_BOUND = 0.03, 1.05
SHARE_BOUND, MS_BOUND = 0.05, 2.0
QUANTILES = (0.5, 0.95, 0.99)


def target_process(pipe: Connection) -> None:
    """Serves until told to end; on each message answers with what it has seen, and begins anew."""

    async def serve() -> None:
        async with serving(Target(median_s=0.04, sigma=0.35)) as target:
            pipe.send(target.port)
            while await asyncio.to_thread(pipe.recv):
                pipe.send((target.arrivals, target.took_ms))
                target.arrivals, target.took_ms = [], []

    asyncio.run(serve())


async def lab() -> Environment:
    return Environment(kind="lab", name="benchmark", uid="1", url="http://127.0.0.1", tier="lab")


def measured(generator: Generator, profile: LoadProfile, folder: Path) -> LoadResult:
    toolset = LoadToolset(generator, folder, lab, LoadCaps())
    run = next(b.run for b in toolset.bindings() if b.operation.name.endswith(".run"))
    context = CallContext(key="b", deadline=datetime.now(UTC) + timedelta(hours=1))
    asyncio.run(run({"name": profile.name, "profile": profile.model_dump(mode="json")}, context))
    return toolset.runs.load(profile.name)[1]


def agreement(port: int, pipe: Connection, *, rate: float, seconds: float) -> list[dict[str, object]]:
    profile = LoadProfile(
        name="agree",
        target=f"http://127.0.0.1:{port}",
        stages=(Stage(duration_s=seconds, level=rate),),
        journeys=(Journey(name="j", requests=(Request(name="r"),)),),
    )
    rows = []
    for generator in (K6(), Locust()):
        pipe.send("next")
        pipe.recv()
        with tempfile.TemporaryDirectory() as folder:
            result = measured(generator, profile, Path(folder))
        pipe.send("next")
        arrivals, took_ms = pipe.recv()
        inside = [at for at in arrivals if at < arrivals[0] + seconds]
        truth = Histogram.of(took_ms)
        quantiles = {q: (result.latency.quantile_ms(q), truth.quantile_ms(q)) for q in QUANTILES}
        rows.append(
            {
                "generator": generator.name,
                "rate": result.rate,
                "target_rate": len(inside) / seconds,
                "requests": result.requests,
                "target_requests": len(arrivals),
                "quantiles": {f"p{q * 100:g}": pair for q, pair in quantiles.items()},
                "flaws": list(flaws(result)),
                "late_ms": result.health.late_ms,
                "good": all(abs(a - b) <= max(SHARE_BOUND * b, MS_BOUND) for a, b in quantiles.values()),
            }
        )
    return rows


def spent(profile: LoadProfile, *, ours: bool) -> tuple[float, float]:
    """Wall and CPU seconds (children and ours) of one run with a fresh folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in K6().compile(profile).files.items():
            (folder / file).write_text(text)
        argv = list(K6().launch(profile).commands[0])
        before, began = _cpu(), time.perf_counter()
        if ours:
            measured(K6(), profile, folder)
        else:
            subprocess.run([located(argv[0]), *argv[1:]], cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - began, _cpu() - before


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def overhead(port: int, *, rate: float, seconds: float, pairs: int) -> dict[str, float]:
    profile = LoadProfile(
        name="cost",
        target=f"http://127.0.0.1:{port}",
        stages=(Stage(duration_s=seconds, level=rate),),
        journeys=(Journey(name="j", requests=(Request(name="r"),)),),
    )
    bare, ours = [], []
    spent(profile.model_copy(update={"stages": (Stage(duration_s=1, level=5),)}), ours=True)  # imports, page cache
    for number in range(pairs):
        order = (True, False) if number % 2 else (False, True)
        for wrapped in order:
            (ours if wrapped else bare).append(spent(profile, ours=wrapped))
    return {
        "wall": statistics.median(o[0] for o in ours) / statistics.median(b[0] for b in bare),
        "cpu": statistics.median(o[1] for o in ours) / statistics.median(b[1] for b in bare),
        "wall_bare_s": statistics.median(b[0] for b in bare),
        "cpu_bare_s": statistics.median(b[1] for b in bare),
        "extra_wall_s": statistics.median(o[0] for o in ours) - statistics.median(b[0] for b in bare),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 s of load, one pair of 20 s for the overhead")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--rate", type=float, default=100.0)
    options = parser.parse_args()
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target_process, args=(theirs,), daemon=True)
    process.start()
    port = mine.recv()
    rows = agreement(port, mine, rate=options.rate, seconds=10 if options.quick else 60)
    cost = overhead(port, rate=options.rate, seconds=20, pairs=1 if options.quick else 5)
    mine.send("")
    process.join(5)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    versions = f"Python {platform.python_version()}, commit {commit.stdout.strip()}"
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {versions}")
    print(f"{'':10}{'rate':>9}{'target':>9}" + "".join(f"{f'p{q * 100:g} / target':>20}" for q in QUANTILES))
    good = True
    for row in rows:
        pairs = "".join(f"{a:>11.2f} /{b:>7.2f}" for a, b in row["quantiles"].values())
        print(f"{row['generator']:10}{row['rate']:>9.2f}{row['target_rate']:>9.2f}{pairs}  {'; '.join(row['flaws'])}")
        good = good and row["good"] and abs(row["rate"] / row["target_rate"] - 1) <= RATE_BOUND
    between = abs(rows[0]["rate"] / rows[1]["rate"] - 1)
    print(f"rates of k6 and Locust differ by {between:.2%}")
    print(f"wrapper beside bare k6, 20 s: wall {cost['wall']:.3f}, CPU {cost['cpu']:.3f} times")
    good = good and between <= RATE_BOUND and max(cost["wall"], cost["cpu"]) <= OVERHEAD_BOUND
    if options.json:
        print(json.dumps({"pass": good, "agreement": rows, "between": between, "overhead": cost}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
