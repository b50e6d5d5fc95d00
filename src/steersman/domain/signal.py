"""Telemetry in tool-neutral words: what is asked of a source, and what comes back. All of it is untrusted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from steersman.domain.fact import Fact, Instant

SignalName = Literal[
    "error_rate",
    "request_rate",
    "latency_p50",
    "latency_p95",
    "latency_p99",
    "cpu",
    "memory",
    "disk_latency",
    "queue_depth",
    "pool_usage",
    "restarts",
    "up",
]
UNIT: dict[SignalName, str] = {
    "error_rate": "ratio",
    "request_rate": "1/s",
    "latency_p50": "s",
    "latency_p95": "s",
    "latency_p99": "s",
    "cpu": "ratio",
    "memory": "bytes",
    "disk_latency": "s",
    "queue_depth": "count",
    "pool_usage": "ratio",
    "restarts": "count",
    "up": "ratio",
}


class Selector(Fact):
    """Which things a signal is of. An absent field matches all."""

    service: str | None = None
    version: str | None = None
    pool: str | None = None
    """`blue`, `green`, `canary`, `stable` ..."""
    instance: str | None = None
    namespace: str | None = None

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.model_dump().items() if value is not None) or "all"


class Window(Fact):
    """Half-open range of time [start, end) with the length of one point."""

    start: Instant
    end: Instant
    step_s: float = Field(default=15.0, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.end <= self.start:
            raise ValueError(f"a window ends after it starts: {self.start} .. {self.end}")
        return self


class Series(Fact):
    """One signal over time. A point without data is left out, never zero."""

    signal: SignalName
    selector: Selector
    times: tuple[float, ...]
    """Unix seconds, rising: the start of each point."""
    values: tuple[float, ...]
    counts: tuple[float, ...] = ()
    """Requests behind each value, where the source knows; empty otherwise."""

    @model_validator(mode="after")
    def _aligned(self) -> Series:
        if len(self.times) != len(self.values) or (self.counts and len(self.counts) != len(self.values)):
            raise ValueError(
                f"times, values and counts differ in length: {len(self.times)}, {len(self.values)}, {len(self.counts)}"
            )
        return self


class LogRecord(Fact):
    """One line of a log. `message` is untrusted text."""

    at: Instant
    service: str
    instance: str = ""
    version: str = ""
    level: str = ""
    message: str
    trace_id: str = ""
    span_id: str = ""


class Span(Fact):
    """One span of a trace."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    service: str
    instance: str = ""
    version: str = ""
    operation: str
    start: Instant
    duration_s: float
    error: bool | None = None
    """None when the source does not say."""


class Change(Fact):
    """Something that somebody did: a deployment, a scaling, a configuration. An alert is told beside them."""

    at: Instant
    service: str
    kind: Literal["deploy", "traffic", "scale", "config", "restart", "annotation", "alert", "other"]
    what: str


class LogPage(Fact):
    """Log lines, oldest first, and how many more there were."""

    records: tuple[LogRecord, ...]
    left_out: int = 0
    holes: tuple[str, ...] = ()
    """Who did not answer, one sentence each, made by code: what is missing is then not known."""
    sampled: bool = False
    """Whether what is left out was left out of every part of the window alike, so that the rest speaks for all."""


class SpanPage(Fact):
    """Spans, oldest first, and how many more there were."""

    spans: tuple[Span, ...]
    left_out: int = 0
    holes: tuple[str, ...] = ()
    """Who did not answer, one sentence each, made by code: what is missing is then not known."""
    sampled: bool = False
    """Whether what is left out was left out of every part of the window alike, so that the rest speaks for all."""
