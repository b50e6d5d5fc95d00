"""Scale of the embedded store beside other embedded vector stores: insert, size, memory, search, recall.

    python benchmarks/vectors.py [--count 100000] [--rivals lancedb,hnswlib,usearch,sqlite_vec] [--quick] [--json]

Each store runs in its own process, so that memory is its own. Vectors are of the default embedder's kind: generated
scenario variants, embedded in part and varied by noise, 384 wide as in the other measurements.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DIM = 384
LIMIT = 10
PLATFORMS = 4
BOUNDS = {"p99_ms": 10.0, "filtered_p99_ms": 25.0, "recall": 0.97, "filtered_recall": 0.97}

Search = Callable[[np.ndarray, int | None], list[str]]


def vectors(count: int, queries: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clustered vectors as variants of a few thousand scenarios, queries near them, a platform for each."""
    rng = np.random.default_rng(11)
    spectrum = (1 / np.sqrt(1 + np.arange(DIM) / 12)).astype(np.float32)
    centres = rng.normal(size=(max(count // 40, 8), DIM)).astype(np.float32) * spectrum
    owner = rng.integers(0, len(centres), count)
    rows = centres[owner] + 0.7 * rng.normal(size=(count, DIM)).astype(np.float32) * spectrum
    asked = (
        centres[rng.integers(0, len(centres), queries)]
        + 0.7 * rng.normal(size=(queries, DIM)).astype(np.float32) * spectrum
    )
    return _unit(rows), _unit(asked), rng.integers(0, PLATFORMS, count)


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def steersman(folder: Path, rows: np.ndarray, kinds: np.ndarray) -> Search:
    from steersman.index.sqlite import SqliteStore
    from steersman.index.store import Record

    store = SqliteStore(folder / "k.db", model="bench", dimension=DIM)
    for start in range(0, len(rows), 2_000):
        part = range(start, min(start + 2_000, len(rows)))
        records = [Record(id=str(i), document={"goal": f"g{i}"}, labels=frozenset({f"p={kinds[i]}"})) for i in part]
        store.put("n", records, [rows[i : i + 1] for i in part])

    def search(query: np.ndarray, kind: int | None) -> list[str]:
        labels = frozenset() if kind is None else frozenset({f"p={kind}"})
        return [hit.id for hit in store.search("n", query, limit=LIMIT, labels=labels)]

    return search


def lancedb(folder: Path, rows: np.ndarray, kinds: np.ndarray) -> Search:
    os.environ["LANCE_LOG"] = os.environ["RUST_LOG"] = "error"
    import lancedb
    import pyarrow as pa

    table = pa.table(
        {
            "id": pa.array([str(i) for i in range(len(rows))]),
            "p": pa.array(kinds),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), DIM),
        }
    )
    held = lancedb.connect(folder).create_table("t", table)
    held.create_index(metric="cosine", index_type="IVF_HNSW_SQ", vector_column_name="vector")

    def search(query: np.ndarray, kind: int | None) -> list[str]:
        asked = held.search(query).metric("cosine").nprobes(20).refine_factor(5).limit(LIMIT)
        asked = asked if kind is None else asked.where(f"p = {kind}", prefilter=True)
        return asked.select(["id", "_distance"]).to_arrow()["id"].to_pylist()

    return search


def hnswlib(folder: Path, rows: np.ndarray, kinds: np.ndarray) -> Search:
    import hnswlib

    index = hnswlib.Index(space="ip", dim=DIM)
    index.init_index(max_elements=len(rows), ef_construction=120, M=16)
    index.add_items(rows, np.arange(len(rows)), num_threads=2)
    index.set_ef(160)
    index.save_index(str(folder / "h.bin"))

    def search(query: np.ndarray, kind: int | None) -> list[str]:
        chosen = None if kind is None else (lambda label: kinds[label] == kind)
        return [str(i) for i in index.knn_query(query, k=LIMIT, num_threads=1, filter=chosen)[0][0]]

    return search


def usearch(folder: Path, rows: np.ndarray, kinds: np.ndarray) -> Search:
    from usearch.index import Index

    index = Index(ndim=DIM, metric="ip", dtype="f16", expansion_search=160)
    index.add(np.arange(len(rows)), rows, threads=2)
    index.save(str(folder / "u.bin"))

    def search(query: np.ndarray, kind: int | None) -> list[str]:
        if kind is None:
            return [str(i) for i in index.search(query, LIMIT, threads=1).keys]
        found = index.search(query, LIMIT * PLATFORMS * 3, threads=1).keys
        return [str(i) for i in found if kinds[i] == kind][:LIMIT]

    return search


def sqlite_vec(folder: Path, rows: np.ndarray, kinds: np.ndarray) -> Search:
    import apsw
    import sqlite_vec

    db = apsw.Connection(str(folder / "v.db"))
    db.enable_load_extension(True)  # noqa: FBT003  # the API's own signature
    db.load_extension(sqlite_vec.loadable_path())
    db.execute(f"CREATE VIRTUAL TABLE t USING vec0(p INTEGER, e FLOAT[{DIM}] distance_metric=cosine)")
    with db:
        db.executemany(
            "INSERT INTO t(rowid, p, e) VALUES (?, ?, ?)",
            ((i, int(k), r.tobytes()) for i, (k, r) in enumerate(zip(kinds, rows, strict=True))),
        )

    def search(query: np.ndarray, kind: int | None) -> list[str]:
        where = "" if kind is None else f" AND p = {kind}"
        sql = f"SELECT rowid FROM t WHERE e MATCH ? AND k = {LIMIT}{where}"
        return [str(i) for (i,) in db.execute(sql, (query.tobytes(),))]

    return search


STORES = {"steersman": steersman, "lancedb": lancedb, "hnswlib": hnswlib, "usearch": usearch, "sqlite_vec": sqlite_vec}


def measure(name: str, count: int, queries: int, pipe: Any) -> None:
    """Runs in a process of its own."""
    rows, asked, kinds = vectors(count, queries)
    before = _rss_mb()
    with tempfile.TemporaryDirectory() as folder:
        start, cpu = time.perf_counter(), time.process_time()
        search = STORES[name](Path(folder), rows, kinds)
        search(asked[0], None)
        search(asked[0], 0)
        built, built_cpu = time.perf_counter() - start, time.process_time() - cpu
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        plain, filtered, right, right_filtered = [], [], 0, 0
        spent = 0.0
        for i, query in enumerate(asked):
            kind = i % PLATFORMS
            exact = rows @ query
            t, used = time.perf_counter(), time.process_time()
            found = search(query, None)
            plain.append(time.perf_counter() - t)
            spent += time.process_time() - used
            t = time.perf_counter()
            some = search(query, kind)
            filtered.append(time.perf_counter() - t)
            best = set(np.argpartition(-exact, LIMIT)[:LIMIT])
            exact[kinds != kind] = -9
            best_filtered = set(np.argpartition(-exact, LIMIT)[:LIMIT])
            right += len({int(i) for i in found} & best)
            right_filtered += len({int(i) for i in some} & best_filtered)
    grown = _rss_mb() - before
    pipe.send(
        {
            "insert_per_s": round(count / built),
            "build_cpu_s": round(built_cpu, 1),
            "disk_mb": round(size / 1e6),
            "rss_mb": round(grown),
            "cpu_ms": round(1000 * spent / queries, 2),
            "p50_ms": _ms(plain, 50),
            "p99_ms": _ms(plain, 99),
            "filtered_p50_ms": _ms(filtered, 50),
            "filtered_p99_ms": _ms(filtered, 99),
            "recall": round(right / (LIMIT * queries), 4),
            "filtered_recall": round(right_filtered / (LIMIT * queries), 4),
        }
    )


def _rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _ms(times: list[float], percentile: int) -> float:
    return round(float(np.percentile(times, percentile)) * 1000, 2)


def header() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    cores, python = os.cpu_count(), platform.python_version()
    return f"{platform.machine()}, {cores} cores, Python {python}, numpy {np.__version__}, commit {commit}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--rivals", default="lancedb,hnswlib,usearch,sqlite_vec")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    count, queries = (10_000, 100) if asked.quick else (asked.count, asked.queries)
    figures: dict[str, Any] = {}
    for name in ["steersman", *(n for n in asked.rivals.split(",") if n)]:
        mine, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(name, count, queries, theirs))
        process.start()
        theirs.close()
        try:
            figures[name] = mine.recv()
        except EOFError:
            figures[name] = {"error": "not installed, or it failed"}
        process.join()
    print(header())
    print(f"{count} vectors of {DIM}, {queries} queries, top {LIMIT}")
    keys = list(figures["steersman"])
    print("".join(f"{key:>16}" for key in ["", *keys]))
    for name, row in figures.items():
        print(f"{name:>16}" + "".join(f"{row.get(key, '-'):>16}" for key in keys))
    own = figures["steersman"]
    passed = all(own[k] >= v if "recall" in k else own[k] <= v for k, v in BOUNDS.items())
    if asked.json:
        print(json.dumps({"pass": passed, "count": count, "bounds": BOUNDS, "figures": figures}))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
