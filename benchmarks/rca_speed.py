"""An hour of a system of 50 services out of a capture: 5,000 series at 15 s, 2 million log lines, 200,000 spans.

    python benchmarks/rca_speed.py [--json] [--quick]

A capture is made with a fault in it (one service takes 150 ms longer for the last ten minutes), then read and
diagnosed in a process of its own, whose wall time, CPU and peak memory count. The same at a quarter and a half of the
size: cost against size has to be linear. Bounds: 10 s of wall time and 1.5 GiB, exponent at most 1.15, the right cause.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from steersman.domain.signal import LogRecord, Selector, Series, SignalName, Span, Window
from steersman.telemetry.capture_writer import CaptureCase, write_capture

SERVICES = 50
SERIES, LINES, SPANS = 5_000, 2_000_000, 200_000
HOUR, STEP, FAULT = 3_600, 15, 600
START = 1_790_000_000
FAULTY = "svc-17"
DELAY_US = 150_000
WALL_S, MEMORY_MIB, EXPONENT = 10.0, 1_536.0, 1.15
LEVELS: dict[SignalName, float] = {
    "cpu": 0.3,
    "memory": 3e8,
    "latency_p95": 0.05,
    "error_rate": 0.001,
    "request_rate": 40.0,
    "queue_depth": 3.0,
    "pool_usage": 0.2,
    "restarts": 0.0,
    "disk_latency": 0.002,
    "up": 1.0,
}
METRICS = tuple(LEVELS)


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def series(random: np.random.Generator, size: float) -> Iterator[Series]:
    count, points = int(SERIES * size), HOUR // STEP
    times = START + STEP * np.arange(points)
    late = times >= START + HOUR - FAULT
    for one in range(count):
        service, metric = one % SERVICES, (one // SERVICES) % len(METRICS)
        value = LEVELS[METRICS[metric]] * (1 + 0.05 * random.standard_normal(points))
        if METRICS[metric] == "latency_p95" and service == int(FAULTY[4:]):
            value[late] += DELAY_US / 1e6
        pod = f"pod-{one // (SERVICES * len(METRICS)) * SERVICES + service}"
        yield Series(
            signal=METRICS[metric],
            selector=Selector(service=f"svc-{service}", instance=pod),
            times=tuple(times.tolist()),
            values=tuple(value.tolist()),
        )


def spans(random: np.random.Generator, size: float) -> Iterator[Span]:
    """Traces of eight services: each calls the next one, through a span of its own."""
    traces, depth = int(SPANS * size) // 15, 8
    chain = ((random.integers(0, SERVICES, traces)[:, None] + np.arange(depth) * 7) % SERVICES).tolist()
    begin = np.sort(random.uniform(0, HOUR, traces))
    own = random.lognormal(np.log(2_000), 0.4, (traces, depth))
    own[(np.array(chain) == int(FAULTY[4:])) & (begin >= HOUR - FAULT)[:, None]] += DELAY_US
    lasts = np.cumsum(own[:, ::-1], axis=1)[:, ::-1].tolist()
    for n, at in enumerate((START + begin).tolist()):
        trace = f"{n:032x}"
        for step in range(2 * depth - 1):  # odd ones are clients' spans
            level = (step + 1) // 2
            client = step % 2 == 1
            yield Span.model_construct(
                trace_id=trace,
                span_id=f"{n * 32 + step:016x}",
                parent_id=f"{n * 32 + step - 1:016x}" if step else "",
                service=f"svc-{chain[n][level - 1 if client else level]}",
                operation="HTTP GET" if client else "GET /items/{id}",
                start=instant(at + level * 0.0005 - (0.0002 if client else 0.0)),
                duration_s=(lasts[n][level] + (500 if client else 0)) / 1e6,
            )


def logs(random: np.random.Generator, size: float) -> Iterator[LogRecord]:
    lines = int(LINES * size)
    kinds = [
        "GET /items/{a} took {b} ms, {c} rows",
        "cache miss for key item:{a}, loading from primary in {b} ms",
        "order {a} accepted for customer {c}, total {b} KRW",
        "connection {a} to replica {c} returned to pool after {b} ms idle",
        "scheduled job refresh finished, {c} entries, {b} evicted, run {a}",
    ]
    at = START + np.sort(random.uniform(0, HOUR, lines))
    for first in range(0, lines, 100_000):
        part = at[first : first + 100_000].tolist()
        n = len(part)
        kind, service = random.integers(0, len(kinds), n).tolist(), random.integers(0, SERVICES, n).tolist()
        a, b, c = (random.integers(0, high, n).tolist() for high in (10**9, 5_000, 900))
        warns = (random.uniform(size=n) < 0.01).tolist()
        for when, k, s, x, y, z, warn in zip(part, kind, service, a, b, c, warns, strict=True):
            text = f"svc.{s:02d}.Handler#{40 + k} [req-{x:09x}] " + kinds[k].format(a=x, b=y, c=z)
            yield LogRecord.model_construct(
                at=instant(when), service=f"svc-{s}", level="WARN" if warn else "INFO", message=text
            )


def make(path: Path, size: float) -> None:
    """The capture, by the one writer of captures."""
    random = np.random.default_rng(7)
    case = CaptureCase(
        case_id="speed",
        system="fifty services",
        window=Window(start=instant(START), end=instant(START + HOUR)),
        alert_time=instant(START + HOUR - FAULT + 60),
        candidates=tuple(f"svc-{n}" for n in range(SERVICES)),
    )
    write_capture(path, case, metrics=series(random, size), logs=logs(random, size), spans=spans(random, size))


def diagnose(path: Path) -> dict[str, Any]:
    from steersman.diagnosis.investigation import investigate
    from steersman.toolsets.capture.columns import read_bundle

    started, cpu = time.perf_counter(), time.process_time()
    bundle = read_bundle(path)
    read = time.perf_counter() - started
    found = investigate(bundle, "why is it slow?")
    return {
        "wall_s": time.perf_counter() - started,
        "read_s": read,
        "cpu_s": time.process_time() - cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "result": found.result,
        "service": found.root_causes[0].service if found.root_causes else "",
        "rows": [len(bundle.metrics.name), len(bundle.logs), len(bundle.spans)],
    }


def measure(size: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), size)
        child = subprocess.run(
            [sys.executable, __file__, "--diagnose", folder], check=True, capture_output=True, text=True
        )
    return dict(json.loads(child.stdout.splitlines()[-1]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a twentieth, a tenth and a fifth of the size")
    parser.add_argument("--diagnose", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.diagnose:
        print(json.dumps(diagnose(options.diagnose)))
        return 0
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pyarrow"))
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {packages}, commit {commit.stdout.strip() or '?'}"
    )
    print(
        f"{'size':>6}{'series':>8}{'lines':>11}{'spans':>9}"
        f"{'read s':>9}{'wall s':>9}{'CPU s':>8}{'peak MiB':>10}  cause"
    )
    sizes = (0.05, 0.1, 0.2) if options.quick else (0.25, 0.5, 1.0)
    rows = [measure(size) | {"size": size} for size in sizes]
    for row in rows:
        print(
            f"{row['size']:>6}{row['rows'][0]:>8}{row['rows'][1]:>11}{row['rows'][2]:>9}{row['read_s']:>9.2f}"
            f"{row['wall_s']:>9.2f}{row['cpu_s']:>8.2f}{row['peak_mib']:>10.0f}  {row['result']} {row['service']}"
        )
    exponent = float(np.polyfit(np.log([r["size"] for r in rows]), np.log([r["cpu_s"] for r in rows]), 1)[0])
    full = rows[-1]
    ok = full["wall_s"] <= WALL_S and full["peak_mib"] <= MEMORY_MIB and exponent <= EXPONENT
    ok = ok and all(row["service"] == FAULTY for row in rows)
    print(f"CPU grows with size to the power of {exponent:.2f}; bounds {'kept' if ok else 'MISSED'}")
    if options.json:
        print(json.dumps({"pass": ok, "exponent": exponent, "runs": rows}))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
