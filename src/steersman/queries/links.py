"""Links that open a query with its window, made by code so that evidence can be followed."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Literal
from urllib.parse import urlencode

from steersman.domain.fact import Fact, JsonObject, Slug
from steersman.domain.signal import Window


class DataSource(Fact):
    """A data source as Grafana knows it."""

    type: Literal["prometheus", "loki", "tempo"]
    uid: Slug


def explore_link(grafana_url: str, source: DataSource, query: str, *, window: Window) -> str:
    """A link to Explore with the query and its window. For Tempo the query is TraceQL, or the id of a trace."""
    asked: JsonObject = {"refId": "A", "datasource": {"type": source.type, "uid": source.uid}}
    if source.type == "tempo":
        asked |= {"query": query, "queryType": "traceql"}
    else:
        asked |= {"expr": query}
    pane: JsonObject = {
        "datasource": source.uid,
        "queries": [asked],
        "range": {"from": _ms(window.start.timestamp()), "to": _ms(window.end.timestamp())},
    }
    panes = json.dumps({"a": pane}, separators=(",", ":"))
    return f"{grafana_url.rstrip('/')}/explore?" + urlencode({"schemaVersion": "1", "panes": panes})


def graph_link(prometheus_url: str, query: str, *, window: Window) -> str:
    """A link to the page that Prometheus itself has for queries."""
    length_s = (window.end - window.start).total_seconds()
    shown = {
        "g0.expr": query,
        "g0.tab": "0",
        "g0.range_input": f"{max(round(length_s), 1)}s",
        "g0.end_input": window.end.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "g0.step_input": f"{window.step_s:g}",
    }
    return f"{prometheus_url.rstrip('/')}/graph?" + urlencode(shown)


def jaeger_link(jaeger_url: str, service: str, *, window: Window) -> str:
    """A link to the traces of a service on Jaeger's own page."""
    micros = {"start": window.start, "end": window.end}
    asked = {"service": service, **{name: str(round(at.timestamp() * 1e6)) for name, at in micros.items()}}
    return f"{jaeger_url.rstrip('/')}/search?" + urlencode(asked)


def _ms(seconds: float) -> str:
    return str(round(seconds * 1_000))
