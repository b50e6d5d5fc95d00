"""What a lab costs: time until it takes orders, CPU and memory of all its processes at the demo's traffic.

The machine's load stands in the header: on a busy one the times are longer, and the CPU figures still compare.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from steersman.lab.control import RATE, LabClient, down, up

UP_BOUND_S = 5.0
CPU_BOUND = 1.0
NAME = "bench"


@dataclass(frozen=True)
class Round:
    """Figures of one lab from up to down."""

    up_s: float
    down_s: float
    cpu: dict[str, float]
    memory: dict[str, int]
    reconciled: bool


def processes(client: LabClient) -> dict[str, psutil.Process]:
    status = client.status()
    pids = {**status["processes"], **{pool["instance"].split("-")[0]: pool["pid"] for pool in status["pools"]}}
    return {name: psutil.Process(pid) for name, pid in pids.items()}


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def measure(home: Path, seconds: float) -> Round:
    began = time.perf_counter()
    started = up(home, NAME, rate=RATE, keep=True, seed=1)
    up_s = time.perf_counter() - began
    try:
        with LabClient(started.info) as client:
            time.sleep(2.0)
            found = processes(client)
            before, t0 = {name: cpu_s(process) for name, process in found.items()}, time.perf_counter()
            time.sleep(seconds)
            wall = time.perf_counter() - t0
            cpu = {name: (cpu_s(process) - before[name]) / wall for name, process in found.items()}
            memory = {name: process.memory_full_info().pss for name, process in found.items()}
            reconciled = client.ask("reconcile", {"service": "payments"})["reconciled"] is True
    finally:
        began = time.perf_counter()
        down(home, NAME)
        down_s = time.perf_counter() - began
    assert started.process is not None
    started.process.wait()
    return Round(up_s, down_s, cpu, memory, reconciled)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rounds, seconds = (2, 5.0) if options.quick else (5, 20.0)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    load = os.getloadavg()[0]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}; Python {platform.python_version()};", end=" "
    )
    print(f"commit {commit.stdout.strip()}; {RATE:g} requests/s, {rounds} rounds of {seconds:g} s")
    with tempfile.TemporaryDirectory() as folder:
        runs = [measure(Path(folder), seconds) for _ in range(rounds)]
    cpu = {name: median(run.cpu[name] for run in runs) for name in runs[0].cpu}
    memory = {name: median(run.memory[name] for run in runs) for name in runs[0].memory}
    for name, cores in cpu.items():
        print(f"  {name:10} {cores:6.3f} cores {memory[name] / 1e6:7.1f} MB")
    figures = {
        "up_s": round(median(run.up_s for run in runs), 2),
        "down_s": round(median(run.down_s for run in runs), 2),
        "cpu_cores": round(sum(cpu.values()), 3),
        "memory_mb": round(sum(memory.values()) / 1e6, 1),
        "reconciled": all(run.reconciled for run in runs),
        "load": round(load, 1),
    }
    print(f"  up {figures['up_s']} s, down {figures['down_s']} s,", end=" ")
    print(f"{figures['cpu_cores']} cores, {figures['memory_mb']} MB")
    passed = figures["up_s"] <= UP_BOUND_S and figures["cpu_cores"] <= CPU_BOUND and figures["reconciled"]
    if options.json:
        print(json.dumps({"pass": passed, **figures}))
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
