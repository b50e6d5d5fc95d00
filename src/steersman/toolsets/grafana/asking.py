"""What a panel shows: its queries, variables filled in, asked through Grafana's data-source proxy.

Panels are somebody's text. A value of a variable is plain or refused, what then stands there must be PromQL that parses
and narrows, and only data sources that speak Prometheus' API are asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.queries.moments import in_seconds, step_seconds, step_text, window_s
from steersman.queries.promql import check_points, checked
from steersman.remote.exchange import Request
from steersman.remote.shape import first, items, labels, mapping, reading, real, sample
from steersman.toolsets.grafana.client import GrafanaClient, panel_queries
from steersman.toolsets.grafana.facts import Nothing, PanelAnswer, PanelAsk, PanelQuery, PanelRow

PROMETHEUS = "prometheus"
MAX_RANGE_S = 32 * 86_400
SCRAPE_S = 15.0
"""Grafana's own default for the data source's scrape interval."""
VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]")
PLAIN = re.compile(r"[A-Za-z0-9 _./:@|+*-]{0,200}")
"""Nothing that could end a string or a selector. `|`, `.`, `*` and `+` are what "several" and "all" are made of."""
UID = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class PanelAsking:
    """Asks what panels ask."""

    client: GrafanaClient

    async def ask(self, ask: PanelAsk) -> PanelAnswer:
        """The series of a panel. Raises ToolError where it is none that can be asked, with the reason."""
        window, step = window_s(ask.start, ask.end, at_most_s=MAX_RANGE_S), step_seconds(ask.step)
        check_points(window, step)
        stored = await self.client.boards.get(ask.uid)
        if stored is None:
            raise ToolError(f"there is no dashboard {ask.uid!r}; `grafana.search` lists them")
        with reading(self.client.remote.name, "dashboard"):
            found = [each for each in panel_queries(stored.model) if each.panel_id == ask.panel_id]
            values = {**_current(stored.model), **_times(window, step), **ask.variables}
        if not found:
            raise ToolError(f"dashboard {ask.uid!r} has no panel {ask.panel_id} with a query; see `grafana.panels`")
        rows: list[PanelRow] = []
        asked = [filled(each.query, values) for each in found]
        for each, query in zip(found, asked, strict=True):
            rows += await self._series(each, query, ask)
        shown, left_out = first(rows, ask.max_series)
        return PanelAnswer(title=found[0].title, queries=tuple(asked), series=shown, left_out_series=left_out)

    async def _series(self, panel: PanelQuery, query: str, ask: PanelAsk) -> list[PanelRow]:
        uid = await self._datasource(panel)
        pairs = [("query", query), ("start", in_seconds(ask.start)), ("end", in_seconds(ask.end))]
        path = f"/api/datasources/proxy/uid/{uid}/api/v1/query_range"
        request = Request("GET", path, query=[*pairs, ("step", step_text(ask.step))])
        document = await self.client.remote.json(request)
        with reading(self.client.remote.name, "data-source proxy"):
            data = mapping(mapping(document)["data"])
            return [_row(item) for item in items(data["result"])]

    async def _datasource(self, panel: PanelQuery) -> str:
        """Uid of what the panel asks; a variable or nothing means the default one of its type."""
        if panel.datasource_type not in {"", PROMETHEUS}:
            raise ToolError(
                f"panel {panel.panel_id} asks {panel.datasource_type!r}; only {PROMETHEUS!r} can be asked here"
            )
        known = [each for each in (await self.client.datasources(Nothing())).sources if each.type == PROMETHEUS]
        if UID.fullmatch(panel.datasource_uid):
            chosen = [each for each in known if panel.datasource_uid in {each.uid, each.name}]
        else:
            chosen = sorted(known, key=lambda each: not each.is_default)
        if not chosen:
            raise ToolError(
                f"panel {panel.panel_id} asks {panel.datasource_uid!r}, which is no Prometheus of this Grafana"
            )
        return chosen[0].uid


def filled(query: str, values: Mapping[str, str]) -> str:
    """The query with its variables filled in, checked. Raises ToolError for an open one, or one that is not plain."""

    def value(match: re.Match[str]) -> str:
        name = next(group for group in match.groups() if group)
        if name not in values:
            raise ToolError(f"the panel's variable {name!r} is open; give it in `variables`")
        if not PLAIN.fullmatch(values[name]):
            raise ToolError(
                f"variable {name!r}: {values[name]!r} is no plain value; letters, digits and _./:@|+*- only"
            )
        return values[name]

    return checked(VARIABLE.sub(value, query)).text


def _times(window: float, step: float) -> dict[str, str]:
    """Grafana's own variables. Source: grafana.com, "Global variables"; its rate interval is four scrapes at least."""
    rate = max(step + SCRAPE_S, 4 * SCRAPE_S)
    plain = {
        "__interval": f"{max(round(step), 1)}s",
        "__rate_interval": f"{round(rate)}s",
        "__range": f"{round(window)}s",
    }
    return {**plain, "__interval_ms": str(round(step * 1_000)), "__range_s": str(round(window))}


def _current(model: Mapping[str, JsonValue]) -> dict[str, str]:
    """Values that the dashboard was saved with; "all" of them is any text."""
    found = {}
    for variable in items(mapping(model.get("templating")).get("list")):
        now = mapping(variable.get("current")).get("value")
        chosen = [str(each) for each in now] if isinstance(now, list) else [str(now)] if now is not None else []
        if chosen:
            found[str(variable["name"])] = ".*" if "$__all" in chosen else "|".join(chosen)
    return found


def _row(item: dict[str, JsonValue]) -> PanelRow:
    values = item["values"]
    if not isinstance(values, list):
        raise TypeError("values are a list")
    pairs = [pair for pair in values if isinstance(pair, list)]
    return PanelRow(labels=labels(item.get("metric")), points=tuple((real(at), sample(value)) for at, value in pairs))
