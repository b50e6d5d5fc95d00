"""Jaeger's query API, against a strict double made from its documented answers."""

import json
from datetime import UTC, datetime

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import jaeger
from tests.unit.toolsets.replaying import remote_of

from steersman.domain.errors import InputError, NoSourceError, ToolError
from steersman.domain.signal import Selector, Window
from steersman.domain.source_operations import CiteQuery
from steersman.toolsets.jaeger import JaegerClient, JaegerSource

START = 1795388000
WINDOW = Window(start=datetime.fromtimestamp(START, UTC), end=datetime.fromtimestamp(START + 600, UTC))


def span(number: int, process: str, parent: int | None, **tags: object) -> dict[str, object]:
    references = [] if parent is None else [{"refType": "CHILD_OF", "traceID": "ab12", "spanID": f"{parent:x}"}]
    kinds = {bool: "bool", int: "int64", str: "string"}
    return {
        "traceID": "ab12",
        "spanID": f"{number:x}",
        "operationName": f"op {number}",
        "references": [{"refType": "FOLLOWS_FROM", "traceID": "ffff", "spanID": "1"}, *references],
        "startTime": (START + number) * 1_000_000,
        "duration": 250_000,
        "tags": [{"key": k.replace("__", "."), "type": kinds[type(v)], "value": v} for k, v in tags.items()],
        "logs": [{"timestamp": 1, "fields": [{"key": "event", "type": "string", "value": "retry"}]}],
        "processID": process,
        "warnings": None,
    }


TRACE = {
    "traceID": "ab12",
    "spans": [
        span(1, "p1", None, span__kind="server"),
        span(2, "p2", 1, error=True, http__status_code=500),
        span(3, "p2", 1, otel__status_code="ERROR", otel__status_description="pool exhausted"),
    ],
    "processes": {
        "p1": {"serviceName": "front", "tags": [{"key": "hostname", "type": "string", "value": "front-1"}]},
        "p2": {"serviceName": "payments", "tags": [{"key": "service.version", "type": "string", "value": "v2"}]},
    },
    "warnings": None,
}


class Fake:
    """Refuses what Jaeger refuses; knows one trace."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path, query = request.url.path, request.url.params
        if path == "/api/services":
            return self.answer(["payments", "front"])
        if path == "/api/services/a%2Fb/operations" or request.url.raw_path.startswith(b"/api/services/a%2Fb/"):
            return self.answer(["GET /"])
        if path == "/api/traces":
            if "service" not in query:
                return self.refusal(400, "parameter 'service' is required")
            assert int(query["start"]) == START * 1_000_000
            return self.answer([TRACE])
        if path == f"/api/traces/{'ab12'.rjust(32, '0')}":
            return self.answer([TRACE])
        return self.refusal(404, "trace not found")

    def answer(self, data: object) -> httpx.Response:
        return httpx.Response(200, json={"data": data, "total": 0, "limit": 0, "offset": 0, "errors": None})

    def refusal(self, code: int, words: str) -> httpx.Response:
        return httpx.Response(code, json={"data": None, "errors": [{"code": code, "msg": words}]})


def source(fake: Fake) -> JaegerSource:
    return JaegerSource(JaegerClient(remote_of(fake, "jaeger")))


async def test_spans_say_who_called_whom_and_what_failed() -> None:
    page = await source(Fake()).spans(Selector(), WINDOW)
    assert [(s.service, s.operation, s.error, s.version, s.instance) for s in page.spans] == [
        ("front", "op 1", False, "", "front-1"),
        ("payments", "op 2", True, "v2", ""),
        ("payments", "op 3", True, "v2", ""),
    ]
    assert {s.parent_id for s in page.spans} == {"", "1".rjust(16, "0")}
    assert {len(s.trace_id) for s in page.spans} == {32}
    assert page.left_out == 0


async def test_every_service_is_searched_once_and_a_trace_of_two_is_there_once() -> None:
    fake = Fake()
    page = await source(fake).spans(Selector(version="v2"), WINDOW)
    assert len(page.spans) == 2
    assert sorted(r.url.params["service"] for r in fake.asked if r.url.path == "/api/traces") == ["front", "payments"]


async def test_a_search_that_gave_as_many_as_it_may_says_that_more_are_left_out() -> None:
    page = await source(Fake()).spans(Selector(service="payments"), WINDOW, limit=1)
    assert len(page.spans) == 1
    assert page.left_out >= 1


async def test_a_search_sends_what_jaeger_documents() -> None:
    fake = Fake()
    ask = {"service": "front", "start": START, "end": START + 60, "tags": {"error": "true"}, "min_duration_s": 0.5}
    answer = await call_on(jaeger(remote_of(fake, "jaeger")), "search", ask)
    sent = dict(fake.asked[0].url.params.multi_items())
    assert json.loads(sent.pop("tags")) == {"error": "true"}
    assert sent == {
        "service": "front",
        "start": f"{START}000000",
        "end": f"{START + 60}000000",
        "limit": "20",
        "minDuration": "500000us",
    }
    assert (answer["traces"], answer["complete"]) == (1, True)
    assert answer["spans"][2]["status_message"] == "pool exhausted"


async def test_names_are_escaped_in_paths() -> None:
    fake = Fake()
    names = await call_on(jaeger(remote_of(fake, "jaeger")), "operations", {"service": "a/b"})
    assert names["names"] == ["GET /"]


async def test_a_trace_is_found_by_a_short_id_and_a_missing_one_is_an_answer() -> None:
    tools = jaeger(remote_of(Fake(), "jaeger"))
    assert len((await call_on(tools, "trace", {"trace_id": "AB12"}))["spans"]) == 3
    assert (await call_on(tools, "trace", {"trace_id": "ffff"}))["found"] is False


async def test_a_window_that_is_too_long_is_not_sent() -> None:
    fake = Fake()
    with pytest.raises(InputError, match="too long"):
        await call_on(jaeger(remote_of(fake, "jaeger")), "search", {"service": "a", "start": 0, "end": START})
    assert fake.asked == []


async def test_evidence_is_cited_with_a_link_to_its_page() -> None:
    cited = await source(Fake()).cite(CiteQuery(of="spans", selector=Selector(service="pay ments"), window=WINDOW))
    assert cited.link == f"http://server.test:9090/search?service=pay+ments&start={START}000000&end={START + 600}000000"


async def test_signals_logs_and_changes_name_who_has_them() -> None:
    eyes = source(Fake())
    with pytest.raises(NoSourceError, match="Prometheus"):
        await eyes.range("cpu", Selector(), WINDOW)
    with pytest.raises(NoSourceError, match="Loki"):
        await eyes.logs(Selector(), WINDOW)
    with pytest.raises(ToolError, match="Grafana"):
        await eyes.changes(WINDOW)
