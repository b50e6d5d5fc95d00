"""What the operations of Grafana take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from steersman.domain.fact import Fact, Instant, JsonObject, Slug
from steersman.domain.typed import Partial
from steersman.queries.moments import Limit, Moment, Step
from steersman.remote.shape import Value

Uid = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,40}$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]{1,100}$")]
OWNED_BY_SERVER = frozenset({"id", "uid", "version"})


class Nothing(Fact):
    """No arguments."""


class Search(Fact):
    """Arguments of `search`."""

    query: str = Field(default="", max_length=200)
    tags: tuple[Tag, ...] = Field(default=(), max_length=10)
    limit: Annotated[int, Field(ge=1, le=5_000)] = 100


class DashboardUid(Fact):
    """Arguments of `get_dashboard` and `delete_dashboard`."""

    uid: Uid


class Dashboard(Fact):
    """Arguments of `create_dashboard` and `update_dashboard`: the whole model, without what the server numbers."""

    uid: Uid
    folder_uid: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{0,40}$")]
    """Empty: the general folder."""
    model: JsonObject

    @field_validator("model")
    @classmethod
    def _plain(cls, model: JsonObject) -> JsonObject:
        title = model.get("title")
        if not isinstance(title, str) or not title:
            raise ValueError("a dashboard has a title")
        if owned := sorted(OWNED_BY_SERVER & set(model)):
            raise ValueError(f"{owned} are the server's; leave them out")
        return model


class DashboardState(Fact):
    """What `get_dashboard` observes: the state that the writes change."""

    exists: bool
    folder_uid: str | None = None
    model: JsonObject | None = None


class Written(Fact):
    """Answer of a write of a dashboard."""

    uid: str
    version: int
    url: str = ""


class Deleted(Fact):
    """Answer of a deletion; false when there was nothing."""

    deleted: bool


class Hit(Fact):
    """A dashboard as a search shows it."""

    uid: str
    title: str
    url: str
    tags: tuple[str, ...] = ()
    folder: str = ""


class Hits(Fact):
    """Dashboards that match."""

    dashboards: tuple[Hit, ...]
    complete: bool


class PanelQuery(Fact):
    """A query of a panel as it is written, with its variables still open. Untrusted text."""

    panel_id: int
    title: str
    datasource_type: str = ""
    datasource_uid: str = ""
    query: str


class PanelQueries(Fact):
    """Queries of all panels of a dashboard."""

    found: bool
    queries: tuple[PanelQuery, ...] = ()


class PanelAsk(Fact):
    """Arguments of `query_panel`; at most 11,000 points a series."""

    uid: Uid
    panel_id: int = Field(ge=0)
    start: Moment
    end: Moment
    step: Step
    variables: dict[str, str] = Field(default={}, max_length=20)
    """Values of the dashboard's variables; absent: those that it was saved with."""
    max_series: Limit = 200


class PanelRow(Fact):
    """One series."""

    labels: dict[str, str]
    points: tuple[tuple[float, Value], ...]


class PanelAnswer(Partial):
    """What a panel shows."""

    title: str
    queries: tuple[str, ...]
    """As they were asked, variables filled in."""
    series: tuple[PanelRow, ...]
    left_out_series: int = 0


class AnnotationSearch(Fact):
    """Arguments of `annotations`."""

    start: Moment
    end: Moment
    tags: tuple[Tag, ...] = Field(default=(), max_length=10)
    dashboard_uid: Uid | None = None
    limit: Limit = 100


class Annotation(Fact):
    """A mark in time. Untrusted text."""

    id: int
    at: Instant
    until: Instant | None = None
    text: str
    tags: tuple[str, ...] = ()
    dashboard_uid: str = ""


class Annotations(Fact):
    """Marks in a window, oldest first."""

    annotations: tuple[Annotation, ...]
    complete: bool


class AnnotationName(Fact):
    """Arguments of `get_annotation` and `delete_annotation`: a name that Steersman gave."""

    name: Slug


class NewAnnotation(Fact):
    """Arguments of `create_annotation`."""

    name: Slug
    """Chosen by who plans; a second annotation of the same name is the same annotation."""
    at_ms: int = Field(ge=0, le=32_503_680_000_000)
    """Milliseconds since 1970."""
    text: str = Field(min_length=1, max_length=2_000)
    tags: tuple[Tag, ...] = Field(max_length=10)


class AnnotationState(Fact):
    """What `get_annotation` observes."""

    exists: bool
    at_ms: int | None = None
    text: str | None = None
    tags: tuple[str, ...] | None = None


class Made(Fact):
    """Answer of `create_annotation`."""

    id: int


class AlertRule(Fact):
    """A rule of Grafana's own alerting."""

    uid: str
    title: str
    folder_uid: str = ""
    group: str = ""
    condition: str = ""
    for_: str = ""
    labels: dict[str, str] = {}
    paused: bool = False


class AlertRules(Partial):
    """Rules of Grafana's own alerting."""

    rules: tuple[AlertRule, ...]
    left_out: int = 0


class RuleSearch(Fact):
    """Arguments of `alert_rules`."""

    limit: Limit = 1_000


class Source(Fact):
    """A data source. Its credentials and settings stay in Grafana."""

    uid: str
    name: str
    type: str
    is_default: bool = False


class Sources(Fact):
    """Data sources."""

    sources: tuple[Source, ...]


class Health(Fact):
    """Which server answers."""

    version: str
    database: str
