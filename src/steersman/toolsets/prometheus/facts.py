"""What the operations of Prometheus take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact
from steersman.domain.signal import SignalName
from steersman.domain.typed import Partial
from steersman.queries.matching import LabelName, MetricName
from steersman.queries.moments import Limit, Moment, Step
from steersman.remote.shape import Value

Query = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class Nothing(Fact):
    """No arguments."""


class InstantQuery(Fact):
    """Arguments of `query`."""

    query: Query
    time: Moment | None = None
    """Absent: now."""
    max_series: Limit = 200


class RangeQuery(Fact):
    """Arguments of `range`; at most 11,000 points a series."""

    query: Query
    start: Moment
    end: Moment
    step: Step
    max_series: Limit = 200


class Check(Fact):
    """Arguments of `check_query`: a signal of a service over the last while, held against a bound."""

    signal: SignalName
    service: str = Field(min_length=1, max_length=200)
    window_s: float = Field(ge=60, le=30 * 86_400)
    bound: float


class CheckAnswer(Fact):
    """Whether the mean of the window keeps the bound. No data keeps nothing: `ok` is false then, and `value` null."""

    value: float | None
    points: int
    ok: bool


class Search(Fact):
    """Arguments of `series` and `labels`: selectors such as `up{job="api"}`, and a window."""

    match: tuple[Query, ...] = Field(default=(), max_length=20)
    start: Moment | None = None
    end: Moment | None = None
    limit: Limit = 1_000


class SeriesSearch(Search):
    """Arguments of `series`: the server wants one selector at least."""

    match: tuple[Query, ...] = Field(min_length=1, max_length=20)


class ValueSearch(Search):
    """Arguments of `label_values`."""

    label: LabelName


class MetadataQuery(Fact):
    """Arguments of `metadata`."""

    metric: MetricName | None = None
    limit: Limit = 1_000


class TargetQuery(Fact):
    """Arguments of `targets`."""

    state: Literal["active", "dropped", "any"] = "active"
    limit: Limit = 1_000


class RuleQuery(Fact):
    """Arguments of `rules`."""

    type: Literal["alert", "record"] | None = None
    limit: Limit = 1_000


class ExemplarQuery(Fact):
    """Arguments of `exemplars`."""

    query: Query
    start: Moment
    end: Moment
    limit: Limit = 1_000


class Histogram(Fact):
    """One sample of a native histogram."""

    at: float
    count: Value
    sum: Value


class Row(Fact):
    """One series: its labels and its samples in order of time."""

    labels: dict[str, str]
    points: tuple[tuple[float, Value], ...] = ()
    histograms: tuple[Histogram, ...] = ()


class QueryAnswer(Partial):
    """What a query gave, and how much of it is not shown."""

    result_type: Literal["vector", "matrix", "scalar", "string"]
    series: tuple[Row, ...]
    text: str = ""
    """Of a string query."""
    left_out_series: int = 0
    left_out_points: int = 0
    warnings: tuple[str, ...] = ()


class Names(Partial):
    """A list of names or values."""

    names: tuple[str, ...]
    left_out: int = 0
    warnings: tuple[str, ...] = ()


class LabelSets(Partial):
    """The labels of series."""

    series: tuple[dict[str, str], ...]
    left_out: int = 0
    warnings: tuple[str, ...] = ()


class Meaning(Fact):
    """What an exporter says of a metric."""

    metric: str
    type: str
    help: str
    unit: str


class Metadata(Partial):
    """Meanings; empty for metrics that were written remotely."""

    metrics: tuple[Meaning, ...]
    left_out: int = 0


class Target(Fact):
    """Something that is scraped."""

    labels: dict[str, str]
    pool: str
    url: str
    health: str
    last_error: str
    last_scrape: str
    dropped: bool = False


class Targets(Partial):
    """What is scraped, and how many more there are."""

    targets: tuple[Target, ...]
    left_out: int = 0


class Alert(Fact):
    """One alert that is pending or firing. Its texts are untrusted."""

    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    active_at: str
    value: Value


class Alerts(Partial):
    """Alerts, pending and firing."""

    alerts: tuple[Alert, ...]
    left_out: int = 0


class Rule(Fact):
    """One rule as it was last evaluated."""

    group: str
    name: str
    type: str
    query: str
    state: str = ""
    health: str
    last_error: str = ""
    for_s: float = 0
    labels: dict[str, str] = {}
    alerts: int = 0


class Rules(Partial):
    """Recording and alerting rules."""

    rules: tuple[Rule, ...]
    left_out: int = 0


class Exemplar(Fact):
    """One measured request with the labels that lead to its trace."""

    series: dict[str, str]
    labels: dict[str, str]
    value: Value
    at: float


class Exemplars(Partial):
    """Exemplars of a query's series."""

    exemplars: tuple[Exemplar, ...]
    left_out: int = 0


class BuildInfo(Fact):
    """Which server answers."""

    version: str
    revision: str = ""
    go_version: str = ""
