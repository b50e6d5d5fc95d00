"""Links that open Grafana Explore on a query, made by code so that evidence can be followed."""

from __future__ import annotations

import json
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


def _ms(seconds: float) -> str:
    return str(round(seconds * 1_000))
