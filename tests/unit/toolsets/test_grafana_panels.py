"""What a panel shows, asked through the data-source proxy of a strict double."""

from collections.abc import Callable

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import grafana
from tests.unit.toolsets.replaying import remote_of

from steersman.domain.errors import InputError, ToolError
from steersman.domain.fact import JsonObject

ASK: JsonObject = {"uid": "shop", "panel_id": 2, "start": 1_000, "end": 1_600, "step": 60}
EXPR = 'sum(rate(http_requests_total{service=~"$service", code=~"${code:regex}"}[$__rate_interval])) by (code)'


def board(expr: str = EXPR, source: object = None) -> JsonObject:
    panel = {"id": 2, "title": "Errors", "datasource": source or {"type": "prometheus", "uid": "${DS}"}}
    variables = [
        {"name": "service", "current": {"value": ["payments", "cart"]}},
        {"name": "code", "current": {"value": "$__all"}},
    ]
    return {
        "uid": "shop",
        "panels": [{**panel, "targets": [{"expr": expr}]}],
        "templating": {"list": variables},
        "version": 1,
    }


def server(model: JsonObject, asked: list[httpx.Request]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        path = request.url.path
        if path == "/api/dashboards/uid/shop":
            return httpx.Response(200, json={"dashboard": model, "meta": {"folderUid": ""}})
        if path == "/api/datasources":
            sources = [
                {"uid": "old", "name": "Old", "type": "prometheus"},
                {"uid": "main", "name": "Main", "type": "prometheus", "isDefault": True},
                {"uid": "sql", "name": "SQL", "type": "mysql"},
            ]
            return httpx.Response(200, json=sources)
        if path.startswith("/api/datasources/proxy/uid/"):
            row = {"metric": {"code": "500"}, "values": [[1_000, "0.5"], [1_060, "NaN"]]}
            return httpx.Response(200, json={"status": "success", "data": {"resultType": "matrix", "result": [row]}})
        return httpx.Response(404, json={"message": "not found"})

    return answer


async def ask(model: JsonObject, **more: object) -> tuple[JsonObject, list[httpx.Request]]:
    asked: list[httpx.Request] = []
    answer = await call_on(grafana(remote_of(server(model, asked), "grafana")), "query_panel", {**ASK, **more})
    return answer, asked


async def test_a_panel_is_asked_with_its_saved_variables_of_the_default_prometheus() -> None:
    answer, asked = await ask(board())
    wanted = 'sum(rate(http_requests_total{service=~"payments|cart", code=~".*"}[75s])) by (code)'
    assert answer["queries"] == [wanted]
    assert answer["series"] == [{"labels": {"code": "500"}, "points": [[1_000, 0.5], [1_060, "NaN"]]}]
    sent = asked[-1]
    assert sent.url.path == "/api/datasources/proxy/uid/main/api/v1/query_range"
    assert dict(sent.url.params) == {"query": wanted, "start": "1000", "end": "1600", "step": "60"}


async def test_given_values_win_and_a_named_source_is_asked() -> None:
    answer, asked = await ask(board(source={"type": "prometheus", "uid": "old"}), variables={"service": "front"})
    assert 'service=~"front"' in answer["queries"][0]
    assert "/uid/old/" in asked[-1].url.path


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        (board(), {"variables": {"service": 'x"} or vector(1) #'}}, "no plain value"),
        (board("rate(a_total{x='$nobody'}[5m])"), {}, "open"),
        (board(source={"type": "mysql", "uid": "sql"}), {}, "mysql"),
        (board(source={"type": "prometheus", "uid": "sql"}), {}, "no Prometheus"),
        (board(), {"panel_id": 9}, "no panel 9"),
        (board(), {"uid": "none"}, "no dashboard"),
        (board("up{"), {}, "no PromQL"),
        (board('{job=~".*"}'), {}, "no PromQL"),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_anything_is_queried(
    model: JsonObject, more: dict[str, object], words: str
) -> None:
    asked: list[httpx.Request] = []
    tools = grafana(remote_of(server(model, asked), "grafana"))
    with pytest.raises((ToolError, InputError), match=words):
        await call_on(tools, "query_panel", {**ASK, **more})
    assert not [each for each in asked if "proxy" in each.url.path]
