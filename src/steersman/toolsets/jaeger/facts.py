"""What the operations of Jaeger take and give; ids are hex, 32 and 16 digits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact
from steersman.domain.signal import Span
from steersman.domain.typed import Partial
from steersman.queries.moments import Limit, Moment

TraceId = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{1,32}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Nothing(Fact):
    """No arguments."""


class ServiceName(Fact):
    """Arguments of `operations`."""

    service: Name
    limit: Limit = 1_000


class TraceSearch(Fact):
    """Arguments of `search`. Jaeger wants a service."""

    service: Name
    operation: Name | None = None
    tags: dict[Name, str] = Field(default={}, max_length=20)
    """All must be equal, as in `{"http.status_code": "500", "error": "true"}`."""
    min_duration_s: float | None = Field(default=None, gt=0, le=86_400)
    start: Moment
    end: Moment
    limit: Annotated[int, Field(ge=1, le=1_500)] = 20
    max_spans: Limit = 2_000


class TraceLookup(Fact):
    """Arguments of `trace`."""

    trace_id: TraceId
    max_spans: Limit = 500


class TraceSpan(Span):
    """A span with all that it says. Untrusted text."""

    kind: str = ""
    status_message: str = ""
    attributes: dict[str, str] = {}
    resource: dict[str, str] = {}
    events: tuple[str, ...] = ()


class Traces(Partial):
    """Spans of all traces that were found, by time."""

    traces: int
    spans: tuple[TraceSpan, ...]
    left_out: int = 0
    complete: bool
    """Whether fewer traces than the limit came."""


class TraceAnswer(Partial):
    """One trace, its spans by time."""

    trace_id: str
    found: bool
    spans: tuple[TraceSpan, ...] = ()
    left_out: int = 0


class Names(Partial):
    """Services, or operations of one."""

    names: tuple[str, ...]
    left_out: int = 0
