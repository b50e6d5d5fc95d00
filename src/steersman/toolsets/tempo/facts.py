"""What the operations of Tempo take and give. Queries are blocks, never text; ids are hex, 32 and 16 digits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact, Instant
from steersman.domain.signal import Span
from steersman.domain.typed import Partial
from steersman.queries.moments import Limit, Moment, Step
from steersman.queries.traceql import AnyField, SpanMetric, SpanSet, TraceQuery
from steersman.remote.shape import Value

TraceId = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{1,32}$")]


class Nothing(Fact):
    """No arguments."""


class Timed(Fact):
    """A window; absent: recent data. The newest 30 s or so are not searchable yet."""

    start: Moment | None = None
    end: Moment | None = None


class TraceSearch(Timed):
    """Arguments of `search`; a window of 7 days at most."""

    query: TraceQuery = TraceQuery()
    limit: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """Absent: 20."""
    spans_per_trace: Annotated[int, Field(ge=1, le=100)] | None = None


class TraceLookup(Fact):
    """Arguments of `trace`."""

    trace_id: TraceId
    max_spans: Limit = 500


class TagSearch(Timed):
    """Arguments of `tags`."""

    scope: Literal["resource", "span", "event", "link", "instrumentation", "intrinsic"] | None = None
    limit: Limit = 1_000


class TagValues(Timed):
    """Arguments of `tag_values`."""

    field: AnyField
    spans: SpanSet | None = None
    limit: Limit = 1_000


class MetricRange(Fact):
    """Arguments of `range`; a window of 24 hours at most."""

    query: SpanMetric
    start: Moment
    end: Moment
    step: Step
    exemplars: Annotated[int, Field(ge=1, le=100)] | None = None
    max_series: Limit = 200


class MetricInstant(Fact):
    """Arguments of `query`."""

    query: SpanMetric
    start: Moment
    end: Moment
    max_series: Limit = 200


class FoundSpan(Fact):
    """A span as a search shows it."""

    span_id: str
    name: str = ""
    start: Instant
    duration_s: float
    attributes: dict[str, str]


class FoundTrace(Fact):
    """A trace as a search shows it."""

    trace_id: str
    root_service: str = ""
    root_name: str = ""
    start: Instant
    duration_s: float
    matched: int
    spans: tuple[FoundSpan, ...]
    span_counts: dict[str, int] = {}
    """Spans of the whole trace by service."""


class SearchAnswer(Fact):
    """Traces, the newest first."""

    traces: tuple[FoundTrace, ...]
    complete: bool
    """Whether fewer traces than the limit came."""


class TraceSpan(Span):
    """A span with all that it says. Untrusted text."""

    kind: str = ""
    status_message: str = ""
    attributes: dict[str, str] = {}
    resource: dict[str, str] = {}
    events: tuple[str, ...] = ()


class TraceAnswer(Partial):
    """One trace, its spans by time."""

    trace_id: str
    found: bool
    spans: tuple[TraceSpan, ...] = ()
    left_out: int = 0
    partial: str = ""
    """Why the server gave a part only, in its words; empty: it gave all."""


class Tags(Partial):
    """Attribute names by scope."""

    scopes: dict[str, tuple[str, ...]]
    left_out: int = 0


class TagValue(Fact):
    """A value with its type, which a comparison must have as well."""

    type: str
    value: str


class TagValueList(Partial):
    """Values of an attribute."""

    values: tuple[TagValue, ...]
    left_out: int = 0


class ExemplarTrace(Fact):
    """A span behind a number."""

    trace_id: str
    at: float
    value: Value


class Row(Fact):
    """One series."""

    labels: dict[str, str]
    points: tuple[tuple[float, Value], ...]
    exemplars: tuple[ExemplarTrace, ...] = ()


class MetricAnswer(Partial):
    """What a metric query gave. Without `by`, nothing found is a series of zeros."""

    series: tuple[Row, ...]
    left_out_series: int = 0
    partial: str = ""
    """Why the server gave a part only, in its words; empty: it gave all."""


class BuildInfo(Fact):
    """Which server answers; the version may be empty."""

    version: str
    revision: str = ""
