"""kill -9 while the embedded store inserts and re-indexes: it opens, and holds exactly what was acknowledged.

    python benchmarks/store_crash.py [--kills 50] [--quick] [--json]

A child writes batches and says so on its pipe after each; it is killed at a random moment. What was acknowledged must
be there, whole; of the batch in flight all or nothing; after a killed re-index, one embedder's vectors or the other's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from steersman.index.sqlite import SqliteStore, model_of
from steersman.index.store import Record

BATCH = 20
WIDE, NARROW = 64, 32


def child(path: Path, first: int) -> None:
    """Inserts, removes and re-indexes for ever, acknowledging each."""
    held = model_of(path) or ("wide", WIDE)
    store = SqliteStore(path, model=held[0], dimension=held[1])
    print("ready", flush=True)
    for batch in range(first, first + 1_000_000):
        dimension = (model_of(path) or held)[1]
        records = [Record(id=f"{batch}-{i}", document={"batch": batch}) for i in range(BATCH)]
        store.put("n", records, [np.full((1, dimension), batch + 1, np.float32)] * BATCH)
        print(f"put {batch}", flush=True)
        if batch % 3 == 2:
            store.remove("n", [f"{batch - 1}-{i}" for i in range(BATCH)])
            print(f"removed {batch - 1}", flush=True)
        if batch % 4 == 3:
            name, wanted = ("narrow", NARROW) if dimension == WIDE else ("wide", WIDE)
            blocks = [(r.id, np.full((1, wanted), 7, np.float32)) for r in store.records("n")]
            store.reindex({"n": blocks}, model=name, dimension=wanted)
            print(f"reindexed {name}", flush=True)


def killed_run(path: Path, first: int, seconds: float) -> list[str]:
    """What the child had acknowledged when it was killed."""
    command = [sys.executable, __file__, "--child", str(path), "--first", str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    said = process.stdout.read().splitlines()
    process.wait()
    return [line for line in said if line]


def expected(kept: set[int], said: list[str]) -> set[int]:
    for line in said:
        verb, what = line.split()
        if verb == "put":
            kept.add(int(what))
        elif verb == "removed":
            kept.discard(int(what))
    return kept


def faults(path: Path, kept: set[int], said: list[str]) -> tuple[list[str], set[int]]:
    """Differences between what was acknowledged and what is there, and the batches that are there."""
    held = model_of(path)
    if held is None:
        return (["no store"] if said else []), set()
    store = SqliteStore(path, model=held[0], dimension=held[1])
    counts: dict[int, int] = {}
    for record in store.records("n"):
        counts[int(str(record.document["batch"]))] = counts.get(int(str(record.document["batch"])), 0) + 1
    found = [f"batch {batch} is torn: {count}" for batch, count in counts.items() if count != BATCH]
    last = max((int(line.split()[1]) for line in said if line.startswith("put")), default=-1)
    in_flight = {last + 1, last - 1} | ({max(counts)} if counts and not said else set())
    found += [f"lost batch {batch}" for batch in kept - counts.keys() - in_flight]
    found += [f"batch {batch} came back" for batch in counts.keys() - kept - in_flight]
    hits = store.search("n", np.ones(held[1], np.float32), limit=len(counts) * BATCH + 1)
    if len(hits) != sum(counts.values()):
        found.append(f"search sees {len(hits)} of {sum(counts.values())} entries")
    store.close()
    return found, set(counts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", type=Path)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, asked.first)
        return 0
    kills = 8 if asked.quick else asked.kills
    rng = random.Random(5)
    wrong: list[str] = []
    acknowledged = reindexed = 0
    with tempfile.TemporaryDirectory() as folder:
        path, kept, first = Path(folder) / "k.db", set[int](), 0
        for _ in range(kills):
            said = killed_run(path, first, rng.uniform(0.0, 0.25))
            found, there = faults(path, expected(kept, said), said)
            wrong += found
            acknowledged += len(said)
            reindexed += sum(line.startswith("reindexed") for line in said)
            kept, first = there, max(there, default=-1) + 1
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, commit {commit}")
    print(f"{kills} kills, {acknowledged} acknowledged writes, {reindexed} of them re-indexes, {len(wrong)} faults")
    for line in wrong[:20]:
        print(line)
    if asked.json:
        print(json.dumps({"pass": not wrong, "kills": kills, "acknowledged": acknowledged, "faults": wrong}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
