"""How often a comparison of two load runs is wrong: false alarms, missed regressions, verdicts on too little data.

Latencies are lognormal around a level that drifts in time (AR(1) from second to second), as measured ones do; each
pair draws its own spread and drift. The runs go through the product's histograms and its `compare`.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from steersman.domain.fact import digest
from steersman.domain.histogram import HALF, SUB_BITS, SUB_COUNT, Histogram
from steersman.domain.load_result import Block, GeneratorHealth, LoadResult
from steersman.judgement.benchmark_compare import compare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BLOCKS = 40


def simulated(
    dice: np.random.Generator, requests: int, *, seconds: int = 300, tail: float = 1.0, kind: tuple[float, ...]
) -> LoadResult:
    """One run. tail: factor on the slowest tenth, which moves p95 and p99 and leaves p50."""
    sigma, rho, drift, error = kind
    noise = dice.normal(0, drift * np.sqrt(1 - rho**2), seconds)
    level = np.zeros(seconds)
    level[0] = dice.normal(0, drift)
    for second in range(1, seconds):
        level[second] = rho * level[second - 1] + noise[second]
    at = np.sort(dice.uniform(0, seconds, requests))
    z = dice.normal(size=requests)
    values = 20 * np.exp(sigma * z + level[at.astype(int)])
    values = np.where(z > 1.2816, values * tail, values)
    failed = dice.random(requests) < error
    block_of = np.minimum((at / seconds * BLOCKS).astype(int), BLOCKS - 1)
    blocks = tuple(
        Block(
            start_s=i * seconds / BLOCKS,
            duration_s=seconds / BLOCKS,
            requests=int((block_of == i).sum()),
            failures=int((failed & (block_of == i)).sum()),
            latency=histogram(values[(block_of == i) & ~failed]),
        )
        for i in range(BLOCKS)
    )
    return LoadResult(
        name="r",
        generator="k6",
        profile_digest=digest({}),
        started_at=NOW,
        finished_at=NOW,
        measured_s=seconds,
        blocks=blocks,
        health=GeneratorHealth(cores=2, started=requests),
    )


def histogram(values_ms: np.ndarray) -> Histogram:
    """What `Histogram.of` gives, for whole arrays: `main` compares the two once."""
    micros = np.round(values_ms * 1_000).astype(int)
    shift = np.maximum(np.frexp(micros)[1] - SUB_BITS, 0)
    index = np.where(shift == 0, micros, SUB_COUNT + (shift - 1) * HALF + (micros >> shift) - HALF)
    buckets, numbers = np.unique(index, return_counts=True)
    pairs = zip(buckets.tolist(), numbers.tolist(), strict=True)
    return Histogram.counted(Counter(dict(pairs)), int(micros.sum()))


def drawn(dice: np.random.Generator) -> tuple[float, ...]:
    """Spread of the logarithm, persistence and size of the drift, share of errors."""
    rho = float(dice.choice([0.0, 0.5, 0.7]))
    return float(dice.uniform(0.25, 0.7)), rho, float(dice.uniform(0, 0.08)), float(dice.choice([0, 0.002]))


def counts(pairs: int, seed: int, *, requests: tuple[int, int], tail: float) -> dict[str, int]:
    dice = np.random.default_rng(seed)
    found = {"pass": 0, "fail": 0, "inconclusive": 0}
    for _ in range(pairs):
        kind, n = drawn(dice), int(dice.integers(requests[0], requests[1] + 1))
        before = simulated(dice, n, kind=kind)
        after = simulated(dice, n, tail=tail, kind=kind)
        found[compare([after], [before]).result] += 1
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="60 pairs of each instead of 500")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args()
    pairs = 60 if options.quick else 500
    probe = np.random.default_rng(0).lognormal(4, 3, 5_000)
    assert histogram(probe) == Histogram.of(probe.tolist())
    began = time.perf_counter()
    same = counts(pairs, 1, requests=(30_000, 30_000), tail=1.0)
    slower = counts(pairs, 2, requests=(30_000, 30_000), tail=1.1)
    little = counts(pairs, 3, requests=(20, 900), tail=1.0)
    little_slow = counts(pairs, 4, requests=(20, 900), tail=1.1)
    figures = {
        "pairs": pairs,
        "no_change": same,
        "p95_plus_10_percent": slower,
        "too_little": little,
        "too_little_and_slower": little_slow,
        "seconds": round(time.perf_counter() - began, 1),
    }
    unsure = little["inconclusive"] + little_slow["inconclusive"]
    good = same["fail"] <= 0.01 * pairs and slower["fail"] >= 0.95 * pairs and unsure == 2 * pairs
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(
        f"{platform.machine()}, Python {platform.python_version()}, scipy {version('scipy')}, {commit.stdout.strip()}"
    )
    print(f"{'case':34}{'pass':>8}{'fail':>8}{'inconclusive':>14}   bound")
    rows = (
        ("no change, 30,000 requests", same, "at most 1 % fail"),
        ("p95 +10 %, 30,000 requests", slower, "at least 95 % fail"),
        ("no change, 20 to 900 requests", little, "100 % inconclusive"),
        ("p95 +10 %, 20 to 900 requests", little_slow, "100 % inconclusive"),
    )
    for name, row, bound in rows:
        print(f"{name:34}{row['pass']:>8}{row['fail']:>8}{row['inconclusive']:>14}   {bound}")
    if options.json:
        print(json.dumps({"pass": good, **figures}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
