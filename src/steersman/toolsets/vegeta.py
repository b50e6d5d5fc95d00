"""Vegeta: a profile as a target list and attacks in turn, and its encoded results as figures.

Written to the documented formats (`vegeta attack -format=json`, `vegeta encode -to json`).
Source: github.com/tsenart/vegeta, README of version 12.
"""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from steersman.domain.errors import ToolError
from steersman.domain.histogram import Histogram, bucket_of
from steersman.domain.load import Compiled, Gap, GeneratorName, LoadProfile, Request
from steersman.domain.load_port import Launch, Measured
from steersman.domain.load_result import Block, ErrorKind, Progress, StepFigures

TARGETS, RESULTS = "targets.jsonl", "results.jsonl"
STEPS = 10
"""A straight line becomes that many levels."""
MOST_ROUNDS = 200
"""Weights are brought to about this sum, so that the list stays readable."""
FINER = 1_000
SIGNS: tuple[tuple[str, ErrorKind], ...] = (
    ("deadline exceeded", "timeout"),
    ("timeout", "timeout"),
    ("connection refused", "refused"),
    ("reset by peer", "reset"),
    ("eof", "reset"),
    ("broken pipe", "reset"),
    ("no such host", "dns"),
    ("x509", "tls"),
    ("tls", "tls"),
)


class Vegeta:
    """The `vegeta` program, when it is installed."""

    name: GeneratorName = "vegeta"

    def __init__(self, program: str = "vegeta") -> None:
        self._program = program

    def compile(self, profile: LoadProfile) -> Compiled:
        """A list of targets, one JSON object a line, and a shell-free list of the attacks."""
        lines = [_target(profile, request) for _, request in _round(profile)]
        attacks = "".join(json.dumps(list(command)) + "\n" for command in self.launch(profile).commands)
        files = {TARGETS: "\n".join(lines) + "\n", "commands.jsonl": attacks}
        return Compiled(generator="vegeta", files=files, main=TARGETS, gaps=tuple(_gaps(profile)))

    def launch(self, profile: LoadProfile, *, port: int = 0) -> Launch:
        """One attack for each level, then one encoding of all results."""
        del port
        attacks, outputs = [], []
        for number, (level, duration_s) in enumerate(_levels(profile)):
            output = f"attack-{number}.bin"
            attacks.append(self._attack(profile, level, duration_s, output=output))
            outputs.append(output)
        encode = (self._program, "encode", "-to=json", f"-output={RESULTS}", *outputs)
        return Launch(commands=(*attacks, encode))

    async def progress(self, profile: LoadProfile, folder: Path, *, port: int, at_s: float) -> Progress | None:
        """Only how long it has gone on: Vegeta's results are encoded when all attacks are over."""
        del folder, port
        return Progress(at_s=at_s, of_s=profile.duration_s)

    def _attack(self, profile: LoadProfile, level: float, duration_s: float, *, output: str) -> tuple[str, ...]:
        if profile.model == "open":
            per_journey = profile.peak_requests_s / profile.peak
            rate = f"{max(round(level * per_journey * FINER), 1)}/{FINER}s"  # a rate of 0 would mean no limit
            workers = profile.max_in_flight
        else:
            rate, workers = "0", round(level)
        return (
            self._program,
            "attack",
            "-format=json",
            f"-targets={TARGETS}",
            f"-rate={rate}",
            f"-duration={duration_s * 1_000:.0f}ms",
            f"-timeout={profile.timeout_s * 1_000:.0f}ms",
            f"-workers={min(workers, 10) if profile.model == 'open' else workers}",
            f"-max-workers={workers}",
            "-redirects=-1",
            "-max-body=0",
            f"-output={output}",
        )

    def read(self, profile: LoadProfile, folder: Path) -> Measured:
        """The figures in the encoded results. Raises ToolError when there are none."""
        try:
            with (folder / RESULTS).open(encoding="utf-8") as lines:
                return _measured(profile, [_hit(json.loads(line)) for line in lines if line.strip()])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            raise ToolError(f"Vegeta left no usable {RESULTS!r} ({type(e).__name__}: {e}); look at its stderr") from e


def _levels(profile: LoadProfile) -> Iterator[tuple[float, float]]:
    """Level and seconds of each attack."""
    for segment in profile.segments():
        steps = STEPS if segment.begin != segment.end else 1
        for step in range(steps):
            level = segment.begin + (segment.end - segment.begin) * (step + 0.5) / steps
            if profile.model == "closed":
                level = max(round(level), 1)
            yield level, segment.duration_s / steps


def _rounds(profile: LoadProfile) -> list[int]:
    """How often each journey stands in one round of targets."""
    weights = [journey.weight for journey in profile.journeys]
    common = math.gcd(*weights)
    reduced = [weight // common for weight in weights]
    total = sum(reduced)
    return reduced if total <= MOST_ROUNDS else [max(round(w * MOST_ROUNDS / total), 1) for w in reduced]


def _round(profile: LoadProfile) -> Iterator[tuple[str, Request]]:
    """One round of targets: journeys mixed evenly, each by its weight."""
    counts = _rounds(profile)
    slots = sorted(((turn + 0.5) / n, index) for index, n in enumerate(counts) for turn in range(n))
    for _, index in slots:
        journey = profile.journeys[index]
        for request in journey.requests:
            yield f"{journey.name}/{request.name}", request


def _target(profile: LoadProfile, request: Request) -> str:
    target: dict[str, Any] = {"method": request.method, "url": profile.target + request.path}
    headers: dict[str, list[str]] = {"User-Agent": ["steersman-load/1"]}
    for header in request.headers:
        headers.setdefault(header.name, []).append(header.value)
    target["header"] = headers
    if request.body is not None:
        target["body"] = base64.b64encode(request.body.encode()).decode()
    return json.dumps(target, ensure_ascii=True)


def _gap(feature: str, severity: str, detail: str) -> Gap:
    return Gap.model_validate(
        {"generator": "vegeta", "feature": feature, "severity": severity, "detail": detail}, strict=False
    )


def _gaps(profile: LoadProfile) -> Iterator[Gap]:
    yield from _refused(profile)
    yield from _approximated(profile)


def _refused(profile: LoadProfile) -> Iterator[Gap]:
    if profile.auth is not None:
        yield _gap("auth", "refused", "a secret would stand in its target list or on its command line")
    if profile.abort:
        yield _gap("abort", "refused", "its results are read at the end, so nothing could end the run before")
    if any(s.begin == s.end == 0 for s in profile.segments()):
        yield _gap("idle_stage", "refused", "a rate of 0 means without limit to Vegeta")
    if profile.model == "closed" and any(journey.think_s for journey in profile.journeys):
        yield _gap("think_time", "refused", "its workers never pause, so these users would send far more than asked")


def _approximated(profile: LoadProfile) -> Iterator[Gap]:
    segments = profile.segments()
    thinks = any(journey.think_s for journey in profile.journeys)
    if profile.model == "open" and thinks:
        yield _gap("think_time", "approximated", "requests of a journey are not spaced; the rate is kept")
    if any(s.begin != s.end for s in segments):
        yield _gap("smooth_levels", "approximated", f"each ramp becomes {STEPS} levels")
    if any(len(journey.requests) > 1 for journey in profile.journeys):
        yield _gap("journey_order", "approximated", "requests of a journey do not wait for each other")
    if sum(_rounds(profile)) != sum(j.weight for j in profile.journeys) / math.gcd(
        *(j.weight for j in profile.journeys)
    ):
        yield _gap("weights", "approximated", f"weights are rounded to {MOST_ROUNDS} turns")
    if profile.model == "open":
        yield _gap("in_flight_cap", "approximated", "at the cap requests wait instead of being dropped and counted")


@dataclass(frozen=True, slots=True)
class _Hit:
    at_s: float
    latency_us: int
    code: int
    error: str
    method: str
    url: str


def _hit(document: dict[str, Any]) -> _Hit:
    return _Hit(
        at_s=datetime.fromisoformat(document["timestamp"]).timestamp(),
        latency_us=round(document["latency"] / 1_000),
        code=int(document["code"]),
        error=str(document.get("error", "")),
        method=str(document.get("method", "")),
        url=str(document.get("url", "")),
    )


@dataclass(slots=True)
class _Tally:
    requests: int = 0
    failures: int = 0
    sum_us: int = 0
    counts: Counter[int] = field(default_factory=Counter)

    def add(self, hit: _Hit, *, failed: bool) -> None:
        self.requests += 1
        self.failures += failed
        if not failed:
            self.sum_us += hit.latency_us
            self.counts[bucket_of(hit.latency_us)] += 1

    @property
    def latency(self) -> Histogram:
        return Histogram.counted(self.counts, self.sum_us)


def _kind(hit: _Hit, expected: tuple[int, ...]) -> ErrorKind | None:
    if hit.code == 0:
        text = hit.error.lower()
        return next((kind for sign, kind in SIGNS if sign in text), "other")
    if hit.code in expected if expected else 200 <= hit.code < 400:  # noqa: PLR2004 - statuses of success
        return None
    hundreds: dict[int, ErrorKind] = {3: "http_3xx", 4: "http_4xx", 5: "http_5xx"}
    return hundreds.get(hit.code // 100, "http_other")


def _measured(profile: LoadProfile, hits: list[_Hit]) -> Measured:
    if not hits:
        raise ValueError("no results at all")
    edges = profile.block_edges()
    width = edges[1] - edges[0]
    start = min(hit.at_s for hit in hits)
    requests: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {
        (r.method, profile.target + r.path): (name, r.expect) for name, r in _round(profile)
    }
    blocks = [_Tally() for _ in edges[1:]]
    steps = {name: _Tally() for name, _ in _round(profile)}
    errors: Counter[ErrorKind] = Counter()
    for hit in hits:
        at = hit.at_s - start
        if not edges[0] <= at < edges[-1]:
            continue
        name, expected = requests[hit.method, hit.url]
        kind = _kind(hit, expected)
        for tally in (blocks[min(int((at - edges[0]) / width), len(blocks) - 1)], steps[name]):
            tally.add(hit, failed=kind is not None)
        if kind is not None:
            errors[kind] += 1
    return Measured(
        blocks=tuple(
            Block(start_s=a, duration_s=b - a, requests=t.requests, failures=t.failures, latency=t.latency)
            for (a, b), t in zip(pairwise(edges), blocks, strict=True)
        ),
        errors=dict(errors),
        steps=tuple(_step(name, tally) for name, tally in steps.items()),
        started=round(sum(tally.requests for tally in blocks) * profile.peak / profile.peak_requests_s),
        raw=(RESULTS,),
    )


def _step(name: str, tally: _Tally) -> StepFigures:
    latency = tally.latency
    p50, p95, p99 = (latency.quantile_ms(q) if latency.count else 0.0 for q in (0.5, 0.95, 0.99))
    return StepFigures(name=name, requests=tally.requests, failures=tally.failures, p50_ms=p50, p95_ms=p95, p99_ms=p99)
