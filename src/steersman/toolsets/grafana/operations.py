"""Grafana as a toolset: dashboards, annotations, rules; each write has its inverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, Invocation, Operation
from steersman.domain.ports import Binding
from steersman.domain.typed import bind, read_operation, schema_of
from steersman.toolsets.grafana import facts
from steersman.toolsets.grafana.asking import PanelAsking
from steersman.toolsets.grafana.client import GrafanaClient
from steersman.toolsets.grafana.writing import Dashboards, Marks

NAME = "grafana"
DASHBOARD_ID = "grafana/dashboard/{uid}"
ANNOTATION_ID = "grafana/annotation/{name}"


def _read(verb: str, summary: str, takes: type[Fact], gives: type[Fact], *, resource: str = "") -> Operation:
    operation = read_operation(f"{NAME}.{verb}", summary, takes=takes, gives=gives)
    return operation.model_copy(update={"resource": resource}) if resource else operation


def _invoke(verb: str, **arguments: JsonValue) -> Invocation:
    return Invocation(operation=OperationName(f"{NAME}.{verb}"), arguments=arguments)


def _args(*names: str) -> JsonObject:
    return {name: {"$arg": f"/{name}"} for name in names}


def _before(*names: str) -> JsonObject:
    return {name: {"$before": f"/{name}"} for name in names}


def _write(
    verb: str, summary: str, access: Access, *, types: tuple[type[Fact], type[Fact]], **more: object
) -> Operation:
    takes, gives = types
    return Operation.model_validate(
        {
            "name": f"{NAME}.{verb}",
            "summary": summary,
            "effect": "write",
            "access": access,
            "blast_radius": "instance",
            "idempotent": "natural",
            "input_schema": schema_of(takes),
            "output_schema": schema_of(gives),
            **more,
        }
    )


_ON_DASHBOARD: dict[str, object] = {"resource": DASHBOARD_ID, "probe": _invoke("get_dashboard", **_args("uid"))}
_ON_ANNOTATION: dict[str, object] = {"resource": ANNOTATION_ID, "probe": _invoke("get_annotation", **_args("name"))}
_STORED: dict[str, object] = {"after": {"exists": True, **_args("folder_uid", "model")}}
_GONE: dict[str, object] = {"after": {"exists": False}}

SEARCH = _read("search", "Finds dashboards", facts.Search, facts.Hits)
GET_DASHBOARD = _read(
    "get_dashboard", "Shows a dashboard", facts.DashboardUid, facts.DashboardState, resource=DASHBOARD_ID
)
PANELS = _read("panels", "Shows what the panels of a dashboard ask", facts.DashboardUid, facts.PanelQueries)
QUERY_PANEL = _read(
    "query_panel",
    "Asks what a panel asks, through the data-source proxy, its variables filled in",
    facts.PanelAsk,
    facts.PanelAnswer,
)
ANNOTATIONS = _read(
    "annotations", "Lists annotations; their texts are untrusted", facts.AnnotationSearch, facts.Annotations
)
GET_ANNOTATION = _read(
    "get_annotation",
    "Shows the annotation that Steersman made under a name",
    facts.AnnotationName,
    facts.AnnotationState,
    resource=ANNOTATION_ID,
)
ALERT_RULES = _read("alert_rules", "Lists rules of Grafana's own alerting", facts.RuleSearch, facts.AlertRules)
DATASOURCES = _read("datasources", "Lists data sources, without settings", facts.Nothing, facts.Sources)
HEALTH = _read("health", "Tells which version of the server answers", facts.Nothing, facts.Health)
CREATE_DASHBOARD = _write(
    "create_dashboard",
    "Makes a dashboard where there is none of that uid",
    "create",
    types=(facts.Dashboard, facts.Written),
    inverse=_invoke("delete_dashboard", **_args("uid")),
    **_ON_DASHBOARD,
    **_STORED,
)
UPDATE_DASHBOARD = _write(
    "update_dashboard",
    "Changes a dashboard; refused when somebody else has changed it meanwhile",
    "update",
    types=(facts.Dashboard, facts.Written),
    inverse=_invoke("update_dashboard", **_args("uid"), **_before("folder_uid", "model")),
    **_ON_DASHBOARD,
    **_STORED,
)
DELETE_DASHBOARD = _write(
    "delete_dashboard",
    "Deletes a dashboard; refused when somebody else has changed it meanwhile",
    "delete",
    types=(facts.DashboardUid, facts.Deleted),
    inverse=_invoke("create_dashboard", **_args("uid"), **_before("folder_uid", "model")),
    **_ON_DASHBOARD,
    **_GONE,
)
CREATE_ANNOTATION = _write(
    "create_annotation",
    "Marks an instant in all dashboards",
    "create",
    types=(facts.NewAnnotation, facts.Made),
    after={"exists": True, **_args("at_ms", "text", "tags")},
    inverse=_invoke("delete_annotation", **_args("name")),
    **_ON_ANNOTATION,
)
DELETE_ANNOTATION = _write(
    "delete_annotation",
    "Deletes the annotation that Steersman made under a name; never anybody else's",
    "delete",
    types=(facts.AnnotationName, facts.Deleted),
    inverse=_invoke("create_annotation", **_args("name"), **_before("at_ms", "text", "tags")),
    **_ON_ANNOTATION,
    **_GONE,
)
OPERATIONS = (
    SEARCH,
    GET_DASHBOARD,
    PANELS,
    QUERY_PANEL,
    ANNOTATIONS,
    GET_ANNOTATION,
    ALERT_RULES,
    DATASOURCES,
    HEALTH,
    CREATE_DASHBOARD,
    UPDATE_DASHBOARD,
    DELETE_DASHBOARD,
    CREATE_ANNOTATION,
    DELETE_ANNOTATION,
)


@dataclass(frozen=True, slots=True)
class GrafanaToolset:
    """The operations of one Grafana."""

    client: GrafanaClient
    where: Environment
    name: str = NAME

    async def environment(self) -> Environment:
        """Where it is; raises what `health` raises when nothing like Grafana answers there."""
        await self.client.health(facts.Nothing())
        return self.where

    def bindings(self) -> Sequence[Binding]:
        """All of its operations. Does no I/O."""
        c, dashboards, marks = self.client, Dashboards(self.client), Marks(self.client)
        return (
            bind(SEARCH, facts.Search, c.search),
            Binding(GET_DASHBOARD, dashboards.observe),
            bind(PANELS, facts.DashboardUid, c.panels),
            bind(QUERY_PANEL, facts.PanelAsk, PanelAsking(c).ask),
            bind(ANNOTATIONS, facts.AnnotationSearch, c.annotations),
            Binding(GET_ANNOTATION, marks.observe),
            bind(ALERT_RULES, facts.RuleSearch, c.alert_rules),
            bind(DATASOURCES, facts.Nothing, c.datasources),
            bind(HEALTH, facts.Nothing, c.health),
            Binding(CREATE_DASHBOARD, dashboards.create),
            Binding(UPDATE_DASHBOARD, dashboards.update),
            Binding(DELETE_DASHBOARD, dashboards.delete),
            bind(CREATE_ANNOTATION, facts.NewAnnotation, marks.create),
            bind(DELETE_ANNOTATION, facts.AnnotationName, marks.delete),
        )
