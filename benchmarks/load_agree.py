"""Do k6 and Locust agree, with each other and with what the target itself saw? And what does our wrapper cost?

A target of this repository, in a process of its own, counts each request and keeps an exact histogram of what it took.
The same profile goes through both generators by the product's toolset. Then bare k6 runs the very script beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
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
    for name, generator in (("k6", K6()), ("locust", Locust(processes=1)), ("locust x 2", Locust(processes=2))):
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
                "generator": name,
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


def worker(pipe: Connection) -> None:
    """Runs profiles, wrapped or bare, and tells wall and CPU seconds (its own and k6's) of each."""
    while (asked := pipe.recv()) is not None:
        profile, ours = asked
        pipe.send(spent(profile, ours=ours))


def spent(profile: LoadProfile, *, ours: bool) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds of k6, and of this process, of one run with a fresh folder."""
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
        wall, after = time.perf_counter() - began, _cpu()
        return wall, after[1] - before[1], after[0] - before[0]


def _cpu() -> tuple[float, float]:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def overhead(port: int, *, rate: float, seconds: float, pairs: int) -> dict[str, float]:
    """Both of a pair run at the same time, so that whatever else the machine does falls on both alike."""
    profile = LoadProfile(
        name="cost",
        target=f"http://127.0.0.1:{port}",
        stages=(Stage(duration_s=seconds, level=rate),),
        journeys=(Journey(name="j", requests=(Request(name="r"),)),),
    )
    context = multiprocessing.get_context("spawn")
    ends = [context.Pipe() for _ in range(2)]
    workers = [context.Process(target=worker, args=(theirs,), daemon=True) for _, theirs in ends]
    for process in workers:
        process.start()
    short = profile.model_copy(update={"stages": (Stage(duration_s=1, level=5),)})
    for mine, _ in ends:  # imports, page cache
        mine.send((short, True))
        mine.recv()
    bare, ours = [], []
    for number in range(pairs):
        for turn, (mine, _) in enumerate(ends):
            mine.send((profile, turn == number % 2))
        for turn, (mine, _) in enumerate(ends):
            (ours if turn == number % 2 else bare).append(mine.recv())
    for mine, _ in ends:
        mine.send(None)
    cpu_bare, cpu_ours, own = sum(b[1] for b in bare), sum(o[1] for o in ours), sum(o[2] for o in ours)
    return {
        "wall": statistics.median(o[0] / b[0] for o, b in zip(ours, bare, strict=True)),
        "cpu": (cpu_ours + own) / cpu_bare,
        "cpu_own": own / cpu_bare,
        "k6_cpu": cpu_ours / cpu_bare,
        "cpu_bare_s": cpu_bare / pairs,
        "own_s": own / pairs,
        "extra_wall_s": statistics.median(o[0] - b[0] for o, b in zip(ours, bare, strict=True)),
    }


def raised() -> str:
    """Puts target and generators before other work on the machine, where that is allowed; says how."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        return "real-time round robin"
    with contextlib.suppress(OSError):
        os.nice(-15)
    return f"niceness {os.nice(0)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 s of load, one pair of 20 s for the overhead")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--rate", type=float, default=100.0)
    options = parser.parse_args()
    scheduled = raised()
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
    load = f"load {os.getloadavg()[0]:.1f}, scheduled: {scheduled}"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {load}, {versions}")
    print(f"{'':10}{'rate':>9}{'target':>9}" + "".join(f"{f'p{q * 100:g} / target':>20}" for q in QUANTILES))
    good = True
    for row in rows:
        pairs = "".join(f"{a:>11.2f} /{b:>7.2f}" for a, b in row["quantiles"].values())
        print(f"{row['generator']:12}{row['rate']:>9.2f}{row['target_rate']:>9.2f}{pairs}  {'; '.join(row['flaws'])}")
        good = good and row["good"] and abs(row["rate"] / row["target_rate"] - 1) <= RATE_BOUND
    between = abs(rows[0]["rate"] / rows[1]["rate"] - 1)
    print(f"rates of k6 and Locust differ by {between:.2%}")
    shares = f"k6's own {cost['k6_cpu']:.3f}, ours {cost['cpu_own']:.3f} on top"
    print(f"wrapper beside bare k6, 20 s: wall {cost['wall']:.3f}, CPU {cost['cpu']:.3f} times ({shares})")
    good = good and between <= RATE_BOUND and max(cost["wall"], cost["cpu"]) <= OVERHEAD_BOUND
    if options.json:
        print(json.dumps({"pass": good, "agreement": rows, "between": between, "overhead": cost}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
