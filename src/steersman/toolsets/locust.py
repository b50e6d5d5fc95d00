"""Locust: a profile as a Locust file, which counts into HDR histograms of its own, and these as figures.

Locust knows users only; the file starts the journeys of the open model itself, each when it is due. What one process
cannot send is shared by several: a master that leads, and workers that each leave their figures.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.histogram import Histogram
from steersman.domain.load import Compiled, Gap, GeneratorName, LoadProfile
from steersman.domain.load_port import SECRET_VARIABLE, Launch, Measured
from steersman.domain.load_result import Block, Progress, StepFigures

SCRIPT, RESULTS = "locustfile.py", "result*.json"
SECOND_S = 1.0
"""How often Locust may change the number of users."""
ONE_BEARS = 250.0
"""Requests per second, or users at once, that are left to one process."""
CONNECT_S = 30
"""What workers may take to find their master."""


class Locust:
    """Locust in a process of its own; `steersman[locust]` installs it."""

    name: GeneratorName = "locust"

    def __init__(self, program: tuple[str, ...] = (sys.executable, "-m", "locust"), *, processes: int = 0) -> None:
        """processes: that count; 0 takes as many as the load wants and the machine has cores for."""
        self._program, self._processes = program, processes

    def processes(self, profile: LoadProfile) -> int:
        """How many count for a profile."""
        wanted = profile.peak_requests_s if profile.model == "open" else profile.peak
        return self._processes or max(min(math.ceil(wanted / ONE_BEARS), os.cpu_count() or 1), 1)

    def compile(self, profile: LoadProfile) -> Compiled:
        """A Locust file in which only the data differ from one profile to the next."""
        template = files("steersman.toolsets").joinpath("scripts", "locustfile.txt").read_text(encoding="utf-8")
        text = json.dumps(_data(profile), indent=2, ensure_ascii=True)
        # In JSON a single quote stands inside strings only, so the raw string that holds it cannot end early.
        text = text.replace("'", "\\u0027")
        return Compiled(
            generator="locust", files={SCRIPT: template.replace("@PROFILE@", text, 1)}, main=SCRIPT, gaps=_gaps(profile)
        )

    def launch(self, profile: LoadProfile, *, port: int = 0) -> Launch:
        """Without web page and tables; it ends by itself. port: where a master listens on this machine."""
        workers, whole = self.processes(profile), (*self._program, "-f", SCRIPT, "--loglevel", "WARNING")
        users = (
            ("-u", f"{workers}", "-r", f"{workers}")
            if profile.model == "open"
            else ("-s", f"{profile.timeout_s + 1:g}")
        )
        leads = (*whole, "--headless", "--only-summary", "--exit-code-on-error", "0", *users)
        if workers == 1:
            return Launch(commands=(leads,), cores="one")
        bind = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port))
        wait = ("--expect-workers", str(workers), "--expect-workers-max-wait", str(CONNECT_S))
        follows = (*whole, "--worker", "--master-host", "127.0.0.1", "--master-port", str(port))
        return Launch(commands=((*leads, *bind, *wait),), beside=(follows,) * workers, cores="one")

    async def progress(self, profile: LoadProfile, folder: Path, *, port: int, at_s: float) -> Progress | None:
        """What the processes leave once a second."""
        del port, at_s
        try:
            told = [*_told(folder)]
            if len(told) < self.processes(profile):
                return None  # not there yet
            blocks, at_s = _blocks(profile, told), min(float(each["at_s"]) for each in told)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        newest = next((b for b in reversed(blocks) if b.latency.count), None)
        return Progress(
            at_s=at_s,
            of_s=profile.duration_s,
            requests=sum(block.requests for block in blocks),
            failures=sum(block.failures for block in blocks),
            p95_ms=newest.latency.quantile_ms(0.95) if newest else 0.0,
        )

    def read(self, profile: LoadProfile, folder: Path) -> Measured:
        """The figures that the processes left. Raises ToolError when there are none, or those of one are missing."""
        try:
            told = [*_told(folder)]
            names = tuple(path.name for path in sorted(folder.glob(RESULTS)))
            measured = _measured(profile, told, names) if told else Measured(blocks=())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            raise ToolError(f"Locust left no usable figures ({type(e).__name__}: {e}); look at its stderr") from e
        if len(told) != self.processes(profile):
            left = f"{len(told)} of {self.processes(profile)} processes left theirs"
            raise ToolError(f"Locust left no usable figures ({left}); look at its stderr")
        return measured


def _told(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(RESULTS)):
        yield json.loads(path.read_text(encoding="utf-8"))


def _gaps(profile: LoadProfile) -> tuple[Gap, ...]:
    ramps = profile.model == "closed" and any(s.begin != s.end for s in profile.segments())
    if not ramps:
        return ()
    detail = f"users are added and taken away in steps, every {SECOND_S:g} s, instead of one by one"
    return (Gap(generator="locust", feature="smooth_levels", severity="approximated", detail=detail),)


def _data(profile: LoadProfile) -> JsonObject:
    journeys: list[Any] = [
        {
            "name": journey.name,
            "weight": journey.weight,
            "think_s": journey.think_s,
            "requests": [
                {
                    "id": f"s{i}-{j}",
                    "name": f"{journey.name}/{request.name}",
                    "method": request.method,
                    "path": request.path,
                    "headers": [[header.name, header.value] for header in request.headers],
                    "body": request.body,
                    "expect": list(request.expect),
                }
                for j, request in enumerate(journey.requests)
            ],
        }
        for i, journey in enumerate(profile.journeys)
    ]
    segments: list[Any] = [
        {"start": s.start_s, "duration": s.duration_s, "begin": s.begin, "end": s.end, "before": s.before}
        for s in profile.segments()
    ]
    return {
        "name": profile.name,
        "target": profile.target,
        "open": profile.model == "open",
        "peak": profile.peak,
        "timeout_s": profile.timeout_s,
        "max_in_flight": profile.max_in_flight,
        "auth_header": profile.auth.header if profile.auth else "",
        "auth_variable": SECRET_VARIABLE,
        "journeys": journeys,
        "segments": segments,
        "edges": list(profile.block_edges()),
    }


def _histogram(tallies: Sequence[dict[str, Any]]) -> Histogram:
    counts: Counter[int] = Counter()
    for tally in tallies:
        for bucket, count in tally["buckets"]:
            counts[int(bucket)] += int(count)
    return Histogram.counted(counts, sum(int(tally["sum_us"]) for tally in tallies))


def _sum(tallies: Sequence[dict[str, Any]], key: str) -> int:
    return sum(int(tally[key]) for tally in tallies)


def _blocks(profile: LoadProfile, told: Sequence[dict[str, Any]]) -> list[Block]:
    return [
        Block(
            start_s=start,
            duration_s=end - start,
            requests=_sum(tallies, "requests"),
            failures=_sum(tallies, "failures"),
            latency=_histogram(tallies),
        )
        for (start, end), *tallies in zip(
            pairwise(profile.block_edges()), *(each["blocks"] for each in told), strict=True
        )
    ]


def _measured(profile: LoadProfile, told: Sequence[dict[str, Any]], raw: tuple[str, ...]) -> Measured:
    late = _histogram([each["late"] for each in told])
    errors: Counter[Any] = Counter()
    for each in told:
        errors.update(each["errors"])
    return Measured(
        blocks=tuple(_blocks(profile, told)),
        errors=errors,
        steps=tuple(_step(profile, key, [each["steps"][key] for each in told]) for key in told[0]["steps"]),
        started=_sum(told, "started"),
        dropped=_sum(told, "dropped"),
        late_ms=late.quantile_ms(0.99) if late.count else None,
        raw=raw,
    )


def _step(profile: LoadProfile, key: str, tallies: Sequence[dict[str, Any]]) -> StepFigures:
    journey, request = (int(part) for part in key[1:].split("-"))
    chosen = profile.journeys[journey]
    latency = _histogram(tallies)
    p50, p95, p99 = (latency.quantile_ms(q) if latency.count else 0.0 for q in (0.5, 0.95, 0.99))
    return StepFigures(
        name=f"{chosen.name}/{chosen.requests[request].name}",
        requests=_sum(tallies, "requests"),
        failures=_sum(tallies, "failures"),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )
