"""What the operations of Loki take and give. Queries are blocks, never text."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from steersman.domain.fact import Fact, Instant
from steersman.domain.typed import Partial
from steersman.queries.logql import LogQuery, MetricQuery
from steersman.queries.matching import LabelName
from steersman.queries.moments import Limit, Moment, Step
from steersman.remote.shape import Value

Lines = Annotated[int, Field(ge=1, le=5_000)]


class Nothing(Fact):
    """No arguments."""


class Span(Fact):
    """A window; absent: what the server takes, an hour as a rule."""

    start: Moment | None = None
    end: Moment | None = None


class LogSearch(Span):
    """Arguments of `logs`."""

    query: LogQuery
    limit: Lines = 100
    direction: Literal["forward", "backward"] | None = None
    """Absent: newest first."""
    max_line_chars: int = Field(default=2_000, ge=16, le=300_000)


class Tail(Fact):
    """Arguments of `tail`."""

    query: LogQuery
    follow_s: float = Field(default=10.0, gt=0, le=60)
    """How long new lines are waited for."""
    every_s: float = Field(default=1.0, ge=0.2, le=10)
    """How often is asked."""
    limit: Lines = 500
    """So many lines end it early."""
    max_line_chars: int = Field(default=2_000, ge=16, le=300_000)


class Follow(Fact):
    """Arguments of `follow`."""

    query: LogQuery
    follow_s: float = Field(default=10.0, gt=0, le=60)
    """How long lines are listened for."""
    limit: Lines = 500
    """So many lines end it early."""
    max_line_chars: int = Field(default=2_000, ge=16, le=300_000)


class MetricRange(Fact):
    """Arguments of `range`; at most 11,000 points a series."""

    query: MetricQuery
    start: Moment
    end: Moment
    step: Step
    max_series: Limit = 200


class MetricInstant(Fact):
    """Arguments of `query`."""

    query: MetricQuery
    time: Moment | None = None
    max_series: Limit = 200


class LabelSearch(Span):
    """Arguments of `labels`."""

    limit: Limit = 1_000


class ValueSearch(Span):
    """Arguments of `label_values`."""

    label: LabelName
    query: LogQuery | None = None
    limit: Limit = 1_000


class StreamSearch(Span):
    """Arguments of `series` and `detected_labels`."""

    query: LogQuery
    limit: Limit = 1_000


class Volumes(StreamSearch):
    """Arguments of `volume`."""

    limit: Limit = 100


class VolumeRange(Fact):
    """Arguments of `volume_range`."""

    query: LogQuery
    start: Moment
    end: Moment
    step: Step
    by: tuple[LabelName, ...] = Field(default=(), max_length=10)


class PatternSearch(StreamSearch):
    """Arguments of `patterns`."""

    step: Step | None = None


class FieldSearch(StreamSearch):
    """Arguments of `detected_fields`."""

    line_limit: Limit = 1_000


class Line(Fact):
    """One line of a log. Untrusted text."""

    at: Instant
    at_ns: str
    labels: dict[str, str]
    metadata: dict[str, str] = {}
    line: str
    cut_chars: int = 0
    """How much of the line is not shown."""


class LogAnswer(Partial):
    """Lines of all streams, merged by time."""

    lines: tuple[Line, ...]
    complete: bool
    """Whether fewer lines than the limit came, so that none is missing."""
    warnings: tuple[str, ...] = ()
    """What the server says about its own answer, such as that a part of it is missing."""


class Followed(LogAnswer):
    """Lines as they came."""

    dropped_lines: int = 0
    """Lines that the server says it did not send, because they were read too slowly."""
    breaks: int = 0
    """How often the connection broke or was closed; lines of that moment may be missing."""


class Row(Fact):
    """One series."""

    labels: dict[str, str]
    points: tuple[tuple[float, Value], ...]


class MetricAnswer(Partial):
    """What a metric query gave. Points lie on multiples of the step; the last may be later than the window's end."""

    series: tuple[Row, ...]
    left_out_series: int = 0
    warnings: tuple[str, ...] = ()
    """What the server says about its own answer, such as that a part of the series is missing."""


class Names(Partial):
    """Names or values."""

    names: tuple[str, ...]
    left_out: int = 0


class Streams(Partial):
    """The labels of streams."""

    streams: tuple[dict[str, str], ...]
    left_out: int = 0


class Stats(Fact):
    """Size of what a query would read. Counts flushed chunks only: zero is possible beside fresh lines."""

    streams: int
    chunks: int
    bytes: int
    entries: int


class Pattern(Fact):
    """A shape of lines and how many had it."""

    pattern: str
    level: str = ""
    total: float
    points: tuple[tuple[float, float], ...]


class Patterns(Partial):
    """Shapes of lines, the commonest first."""

    patterns: tuple[Pattern, ...]
    left_out: int = 0


class Detected(Fact):
    """A label or field that lines have."""

    name: str
    type: str = ""
    cardinality: int
    parsers: tuple[str, ...] = ()


class DetectedNames(Partial):
    """Labels or fields that lines have."""

    found: tuple[Detected, ...]
    left_out: int = 0


class BuildInfo(Fact):
    """Which server answers; the version may be empty."""

    version: str
    revision: str = ""
