"""What a load run measured: one schema, whichever generator ran it."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import Field

from steersman.domain.fact import Digest, Fact, Instant
from steersman.domain.histogram import Histogram
from steersman.domain.load import GeneratorName, Model

ErrorKind = Literal[
    "http_3xx", "http_4xx", "http_5xx", "http_other", "timeout", "refused", "reset", "dns", "tls", "other"
]


class Block(Fact):
    """A stretch of the measured time: the unit of the statistics, because neighbours in time resemble each other."""

    start_s: float
    """Since the start of the run."""
    duration_s: float = Field(gt=0)
    requests: int = Field(ge=0)
    failures: int = Field(ge=0)
    latency: Histogram
    """Of the requests that did not fail: a refusal is quick, and no good answer."""


class StepFigures(Fact):
    """One request of a journey, over the measured time."""

    name: str
    """`journey/request`."""
    requests: int
    failures: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class GeneratorHealth(Fact):
    """Whether the generator itself kept up; when it did not, its figures say nothing about the target."""

    cores: float = Field(gt=0)
    """How many it can use: Locust one a process, the others all of the machine's."""
    cpu_s: float | None = None
    """None where the system does not tell."""
    cpu_peak: float | None = None
    """Cores in the busiest second."""
    wall_s: float = 0.0
    started: int = 0
    """Journeys, in the measured time."""
    dropped: int = 0
    """Journeys of the open model that were due and not started."""
    late_ms: float | None = None
    """How much later than due the generator started its journeys, 99th percentile; None where it does not tell."""
    stopped: Literal["", "cancelled", "crashed"] = ""
    exit_code: int = 0


class Progress(Fact):
    """How a run stands while it goes on. Counts are of the measured time until now."""

    at_s: float
    """Since the start, as far as is known from outside: within a second."""
    of_s: float
    requests: int = 0
    failures: int = 0
    p95_ms: float = 0.0
    """Of the newest stretch of time that has data."""


class LoadResult(Fact):
    """One run."""

    name: str
    generator: GeneratorName
    generator_version: str = ""
    model: Model = "open"
    profile_digest: Digest
    """The profile's `fingerprint`."""
    started_at: Instant
    finished_at: Instant
    users: int | None = None
    """At the peak of the closed model; None in the open one."""
    planned_journeys: float | None = None
    """In the measured time; None in the closed model."""
    measured_s: float
    blocks: tuple[Block, ...]
    errors: dict[ErrorKind, int] = {}
    steps: tuple[StepFigures, ...] = ()
    health: GeneratorHealth
    environment: dict[str, str] = {}
    """Machine and versions."""
    raw: tuple[str, ...] = ()
    """Files of raw output that were kept, by name."""
    aborted: str = ""
    """The abort condition that ended it; empty when it came to its end."""

    @cached_property
    def latency(self) -> Histogram:
        """Of all measured requests that did not fail."""
        return Histogram().plus(*(block.latency for block in self.blocks))

    @property
    def requests(self) -> int:
        """Measured requests."""
        return sum(block.requests for block in self.blocks)

    @property
    def failures(self) -> int:
        """Measured requests that failed."""
        return sum(block.failures for block in self.blocks)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.measured_s if self.measured_s > 0 else 0.0


Result = Literal["pass", "fail", "inconclusive"]


class GoalVerdict(Fact):
    """One goal or one comparison, judged."""

    what: str
    """`p95`, `errors`, `failures`."""
    result: Result
    reason: str
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    """Interval that the truth lies in, in the unit of `measured`."""
    bound: float | None = None
    requests: int = 0


class SearchPoint(Fact):
    """One rate that a search for the limit has tried."""

    rate: float
    """Journeys per second, as planned."""
    requests_s: float
    """Requests per second, as measured."""
    p95_ms: float
    failures: int
    result: Result
    reason: str


class Limit(Fact):
    """The highest rate that holds the goals, and what was tried to find it."""

    name: str
    generator: GeneratorName
    holds: float | None
    """None: not even the lowest rate held."""
    breaks: float | None
    """The lowest rate that surely did not hold, or could not be told to; None: the highest one held."""
    points: tuple[SearchPoint, ...] = ()


class LoadVerdict(Fact):
    """What a run, or a comparison of runs, says. Flaws of the generator make it inconclusive, whatever it measured."""

    result: Result
    reason: str
    parts: tuple[GoalVerdict, ...] = ()
    flaws: tuple[str, ...] = ()


class HistoryLine(Fact):
    """A run in short."""

    name: str
    generator: GeneratorName
    profile: str
    fingerprint: str
    """Runs with the same one had the same load."""
    target: str
    environment: str
    """Identity of what was under load, as text."""
    started_at: Instant
    requests: int
    rate: float
    error_ratio: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    verdict: Result
    reason: str
