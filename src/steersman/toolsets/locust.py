"""Locust: a profile as a Locust file, which counts into HDR histograms of its own, and these as figures.

Locust knows users only; the file starts the journeys of the open model itself, each when it is due.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
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

SCRIPT, RESULT, NOW = "locustfile.py", "result.json", "now.json"
SECOND_S = 1.0
"""How often Locust may change the number of users."""


class Locust:
    """Locust in a process of its own; `steersman[locust]` installs it."""

    name: GeneratorName = "locust"

    def __init__(self, program: tuple[str, ...] = (sys.executable, "-m", "locust")) -> None:
        self._program = program

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
        """Without web page and tables; it ends by itself."""
        del port
        users = ("-u", "1", "-r", "1") if profile.model == "open" else ("-s", f"{profile.timeout_s + 1:g}")
        options = ("--headless", "--only-summary", "--loglevel", "WARNING", "--exit-code-on-error", "0")
        return Launch(commands=((*self._program, "-f", SCRIPT, *options, *users),), cores="one")

    async def progress(self, profile: LoadProfile, folder: Path, *, port: int, at_s: float) -> Progress | None:
        """What the Locust file leaves once a second."""
        del port, at_s
        try:
            told = json.loads((folder / NOW).read_text(encoding="utf-8"))
            return Progress.model_validate({**told, "of_s": profile.duration_s})
        except (OSError, ValueError):
            return None  # not there yet

    def read(self, profile: LoadProfile, folder: Path) -> Measured:
        """The figures that the Locust file left. Raises ToolError when there are none."""
        try:
            document = json.loads((folder / RESULT).read_text(encoding="utf-8"))
            return _measured(profile, document)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            raise ToolError(f"Locust left no usable {RESULT!r} ({type(e).__name__}: {e}); look at its stderr") from e


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


def _histogram(tally: dict[str, Any]) -> Histogram:
    return Histogram.counted(Counter({int(b): int(n) for b, n in tally["buckets"]}), int(tally["sum_us"]))


def _measured(profile: LoadProfile, document: dict[str, Any]) -> Measured:
    blocks = [
        Block(
            start_s=start,
            duration_s=end - start,
            requests=tally["requests"],
            failures=tally["failures"],
            latency=_histogram(tally),
        )
        for (start, end), tally in zip(pairwise(profile.block_edges()), document["blocks"], strict=True)
    ]
    late = _histogram(document["late"])
    return Measured(
        blocks=tuple(blocks),
        errors=document["errors"],
        steps=tuple(_step(profile, key, tally) for key, tally in document["steps"].items()),
        started=document["started"],
        dropped=document["dropped"],
        late_ms=late.quantile_ms(0.99) if late.count else None,
        raw=(RESULT,),
    )


def _step(profile: LoadProfile, key: str, tally: dict[str, Any]) -> StepFigures:
    journey, request = (int(part) for part in key[1:].split("-"))
    chosen = profile.journeys[journey]
    latency = _histogram(tally)
    p50, p95, p99 = (latency.quantile_ms(q) if latency.count else 0.0 for q in (0.5, 0.95, 0.99))
    return StepFigures(
        name=f"{chosen.name}/{chosen.requests[request].name}",
        requests=tally["requests"],
        failures=tally["failures"],
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )
