"""OpenAPI as a tool source: features, big real descriptions, tool selection, server-side request forgery.

    python benchmarks/openapi.py [--spec NAME=FILE]... [--quick] [--json]

`--spec` takes descriptions as they come, as in github=api.github.com.json; names `github`, `stripe`, `k8s` and `do`
are also asked the wishes of data/tool_selection.tsv. Bounds: every feature; at most 3 s CPU a 1,000 operations, and
60 MB beside what parsing the JSON takes by itself; hit@5 at least 0.85; 0 escapes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from pydantic import JsonValue

import openapi_features
from steersman.domain.errors import SteersmanError
from steersman.domain.ids import OperationName
from steersman.index.operations import OperationIndex, OperationText
from steersman.remote.addresses import resolve
from steersman.remote.guarded import GuardedTransport, PinnedBackend
from steersman.testing.benchmark import header, report, table
from steersman.toolsets.openapi.importing import Wish, import_description
from steersman.toolsets.openapi.kept import Kept, keep
from steersman.toolsets.openapi.toolset import described

WISHES = Path(__file__).parent / "data" / "tool_selection.tsv"
MOST_CPU_S = 3.0
MOST_MB = 60.0
HITS = 0.85
MADE = 50
SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0.0.0.0",
    "0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "192.168.0.1",
)


def measured(name: str, path: Path) -> dict[str, JsonValue]:
    """One description in this process: how long, how big. Meant to be run in a process of its own."""
    data = path.read_bytes()
    empty_mb = _peak_mb()
    json.loads(data)
    parsed_mb = _peak_mb()
    began = time.process_time()
    made = import_description(
        data, Wish(name=name, source=path.name, server="https://api.example.com", by="bench"), now=datetime.now(UTC)
    )
    import_s = time.process_time() - began
    peak_mb = _peak_mb()
    with TemporaryDirectory() as folder:
        kept_path = Path(folder) / "api.db"
        keep(kept_path, made.manifest, made.rows, signature="")
        began = time.process_time()
        kept = Kept(kept_path)
        open_s = time.process_time() - began
        began = time.process_time()
        verbs = kept.verbs()[:: max(1, len(kept.verbs()) // MADE)]
        for verb in verbs:
            described(kept, verb)
        make_s = (time.process_time() - began) / len(verbs)
        size = kept_path.stat().st_size
    count = made.manifest.operations
    return {
        "name": name,
        "source_mb": round(len(data) / 2**20, 1),
        "operations": count,
        "left_out": len(made.left_out),
        "import_cpu_s": round(import_s, 2),
        "cpu_s_per_1000": round(import_s / count * 1000, 2),
        "peak_mb_per_1000": round((peak_mb - empty_mb) / count * 1000, 1),
        "added_mb_per_1000": round((peak_mb - parsed_mb) / count * 1000, 1),
        "open_ms": round(open_s * 1000, 1),
        "make_ms": round(make_s * 1000, 2),
        "kept_mb": round(size / 2**20, 1),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def selection(name: str, path: Path) -> tuple[int, int, int]:
    """Wishes for this API, those whose operation came first, and those where it was among the first five."""
    wishes = [
        line.split("\t") for line in WISHES.read_text(encoding="utf-8").splitlines() if line.startswith(f"{name}\t")
    ]
    if not wishes:
        return 0, 0, 0
    made = import_description(
        path.read_bytes(),
        Wish(name=name, source=path.name, server="https://api.example.com", by="bench"),
        now=datetime.now(UTC),
    )
    texts = (
        OperationText(OperationName(f"{name}.{row[0]}"), row[3], row[4], row[1], row[2]) for row in made.rows.operations
    )
    index = OperationIndex.of(texts)
    first = five = 0
    for _, wish, right in wishes:
        wanted = {f"{name}.{verb}" for verb in right.split("|")}
        found = [each.name for each in index.search(wish, limit=5)]
        first += bool(found and found[0] in wanted)
        five += bool(wanted & set(found))
    return len(wishes), first, five


async def escapes() -> tuple[int, int]:
    """Requests that were tried towards this machine, and those that reached a server which listens there."""
    reached = 0

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        reached += 1
        writer.close()

    server = await asyncio.start_server(listen, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    six = await asyncio.start_server(listen, "::1", port)
    tried = 0

    async def rebinding(host: str, _: int) -> Sequence[str]:
        return ["93.184.216.34", "127.0.0.1"] if host == "both.example" else ["127.0.0.1"]

    for host in (*SPELLINGS, "both.example", "rebind.example"):
        backend = PinnedBackend((), rebinding if host.endswith(".example") else resolve)
        async with httpx.AsyncClient(transport=GuardedTransport(backend), trust_env=False, timeout=3) as client:
            for method in ("GET", "POST"):
                tried += 1
                try:
                    await client.request(method, f"http://{host}:{port}/latest/meta-data")
                except (SteersmanError, httpx.HTTPError, httpx.InvalidURL, UnicodeError):
                    continue
                reached += 1
    server.close()
    six.close()
    return tried, reached


def main() -> int:
    """Measures, prints, and says whether the bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.one:
        name, _, file = options.one.partition("=")
        sys.stdout.write(json.dumps(measured(name, Path(file))))
        return 0
    header("OpenAPI as a tool source")
    rows = [
        (feature.name, wrong) for feature in openapi_features.features() for wrong in [openapi_features.wrong(feature)]
    ]
    table(("feature", "holds"), [(name, "yes" if not wrong else wrong[0]) for name, wrong in rows])
    specs = {name: Path(file) for name, _, file in (text.partition("=") for text in options.spec)}
    sizes = [_alone(name, path) for name, path in specs.items()]
    if sizes:
        table(list(sizes[0]), [list(size.values()) for size in sizes])
    picked = {name: selection(name, path) for name, path in specs.items()}
    asked, first, five = (sum(counts[place] for counts in picked.values()) for place in range(3))
    tried, reached = asyncio.run(escapes())
    held = sum(not wrong for _, wrong in rows)
    passed = held == len(rows) and reached == 0
    passed = passed and all(
        float(str(s["cpu_s_per_1000"])) <= MOST_CPU_S and float(str(s["added_mb_per_1000"])) <= MOST_MB for s in sizes
    )
    passed = passed and (not asked or five / asked >= HITS)
    figures: dict[str, JsonValue] = {
        "features": len(rows),
        "features_held": held,
        "specs": [*sizes],
        "wishes": asked,
        "hit_at_1": round(first / asked, 3) if asked else None,
        "hit_at_5": round(five / asked, 3) if asked else None,
        "ssrf_tried": tried,
        "ssrf_escapes": reached,
    }
    shown = [(key, value) for key, value in figures.items() if key != "specs"]
    return report(("figure", "value"), shown, figures, passed=passed, as_json=options.json)


def _alone(name: str, path: Path) -> dict[str, JsonValue]:
    command = [sys.executable, __file__, "--one", f"{name}={path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, JsonValue] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
