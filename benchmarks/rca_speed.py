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
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SERVICES = 50
SERIES, LINES, SPANS = 5_000, 2_000_000, 200_000
HOUR, STEP, FAULT = 3_600, 15, 600
START = 1_790_000_000
FAULTY = "svc-17"
DELAY_US = 150_000
WALL_S, MEMORY_MIB, EXPONENT = 10.0, 1_536.0, 1.15
METRICS = (
    "cpu",
    "memory",
    "latency_p95",
    "error_rate",
    "request_rate",
    "queue_depth",
    "pool_usage",
    "restarts",
    "disk_latency",
    "up",
)


def instants(seconds: np.ndarray) -> pa.Array:
    return pa.array((seconds * 1e6).astype(np.int64), pa.timestamp("us", tz="UTC"))


def names(prefix: str, codes: np.ndarray) -> pa.Array:
    values = pa.array([f"{prefix}{i}" for i in range(int(codes.max()) + 1)])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), values).cast(pa.string())


def write_metrics(path: Path, random: np.random.Generator, size: float) -> None:
    series = int(SERIES * size)
    points = HOUR // STEP
    one = np.arange(series)
    service = one % SERVICES
    metric = (one // SERVICES) % len(METRICS)
    pod = one // (SERVICES * len(METRICS))
    level = np.array([0.3, 3e8, 0.05, 0.001, 40, 3, 0.2, 0, 0.002, 1])[metric]
    value = level[:, None] * (1 + 0.05 * random.standard_normal((series, points)))
    times = START + STEP * np.arange(points)
    late = times >= START + HOUR - FAULT
    value[np.ix_((metric == 2) & (service == int(FAULTY[4:])), late)] += DELAY_US / 1e6
    table = {
        "timestamp": instants(np.tile(times, series).astype(float)),
        "metric": pa.array(np.array(METRICS)[np.repeat(metric, points)]),
        "service": names("svc-", np.repeat(service, points)),
        "pod": names("pod-", np.repeat(pod * SERVICES + service, points)),
        "value": pa.array(value.ravel()),
    }
    pq.write_table(pa.table(table), path / "metrics.parquet")


def write_spans(path: Path, random: np.random.Generator, size: float) -> int:
    """Traces of eight services: a root that calls three services, one of which calls on and so forth."""
    traces = int(SPANS * size) // 15
    depth = 8
    chain = (random.integers(0, SERVICES, traces)[:, None] + np.arange(depth) * 7) % SERVICES
    begin = np.sort(random.uniform(0, HOUR, traces))
    own = random.lognormal(np.log(2_000), 0.4, (traces, depth))
    own[(chain == int(FAULTY[4:])) & (begin >= HOUR - FAULT)[:, None]] += DELAY_US
    duration = np.cumsum(own[:, ::-1], axis=1)[:, ::-1]
    rows: dict[str, list[Any]] = {
        key: [] for key in ("trace", "span", "parent", "service", "client", "start", "duration")
    }
    for level in range(depth):
        at = START + begin + level * 0.0005
        if level:  # the client's span in the caller
            rows["trace"].append(np.arange(traces))
            rows["span"].append(np.full(traces, 2 * level))
            rows["parent"].append(np.full(traces, 2 * level - 1))
            rows["service"].append(chain[:, level - 1])
            rows["client"].append(np.ones(traces, bool))
            rows["start"].append(at - 0.0002)
            rows["duration"].append(duration[:, level] + 500)
        rows["trace"].append(np.arange(traces))
        rows["span"].append(np.full(traces, 2 * level + 1))
        rows["parent"].append(np.full(traces, 2 * level))
        rows["service"].append(chain[:, level])
        rows["client"].append(np.zeros(traces, bool))
        rows["start"].append(at)
        rows["duration"].append(duration[:, level])
    flat = {key: np.concatenate(parts) for key, parts in rows.items()}
    trace = pa.array([f"{i:032x}" for i in range(traces)]).take(pa.array(flat["trace"]))
    table = {
        "trace_id": trace,
        "span_id": pa.array([f"{t * 32 + s:016x}" for t, s in zip(flat["trace"], flat["span"], strict=True)]),
        "parent_id": pa.array(
            [f"{t * 32 + s:016x}" if s else None for t, s in zip(flat["trace"], flat["parent"], strict=True)]
        ),
        "service": names("svc-", flat["service"]),
        "operation": pa.array(np.where(flat["client"], "HTTP GET", "GET /items/{id}")),
        "start": instants(flat["start"]),
        "duration_us": pa.array(flat["duration"].astype(np.int64)),
        "status": pa.array(["UNSET"] * len(flat["trace"])),
    }
    pq.write_table(pa.table(table), path / "spans.parquet")
    return len(flat["trace"])


def write_logs(path: Path, random: np.random.Generator, size: float) -> None:
    lines = int(LINES * size)
    kinds = [
        "GET /items/{a} took {b} ms, {c} rows",
        "cache miss for key item:{a}, loading from primary in {b} ms",
        "order {a} accepted for customer {c}, total {b} KRW",
        "connection {a} to replica {c} returned to pool after {b} ms idle",
        "scheduled job refresh finished, {c} entries, {b} evicted, run {a}",
    ]
    writer = None
    for first in range(0, lines, 200_000):
        n = min(200_000, lines - first)
        kind, service = random.integers(0, len(kinds), n), random.integers(0, SERVICES, n)
        a, b, c = (random.integers(0, high, n).tolist() for high in (10**9, 5_000, 900))
        text = [
            f"svc.{s:02d}.Handler#{40 + k} [req-{x:09x}] " + kinds[k].format(a=x, b=y, c=z)
            for s, k, x, y, z in zip(service.tolist(), kind.tolist(), a, b, c, strict=True)
        ]
        at = START + np.sort(random.uniform(first / lines * HOUR, (first + n) / lines * HOUR, n))
        table = pa.table(
            {
                "timestamp": instants(at),
                "service": names("svc-", np.append(service, SERVICES - 1)).slice(0, n),
                "level": pa.array(np.where(random.uniform(size=n) < 0.01, "WARN", "INFO")),
                "message": pa.array(text, pa.large_string()),
            }
        )
        writer = writer or pq.ParquetWriter(path / "logs.parquet", table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def make(path: Path, size: float) -> None:
    random = np.random.default_rng(7)
    case = {
        "window_start": datetime.fromtimestamp(START, UTC).isoformat(),
        "window_end": datetime.fromtimestamp(START + HOUR, UTC).isoformat(),
        "alert_time": datetime.fromtimestamp(START + HOUR - FAULT + 60, UTC).isoformat(),
    }
    (path / "case.json").write_text(json.dumps(case))
    write_metrics(path, random, size)
    write_spans(path, random, size)
    write_logs(path, random, size)


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
