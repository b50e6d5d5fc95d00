"""What Loki and Tempo leave out when there is nothing, and what they say when they give less than all."""

from typing import Any

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import CLIENTS
from tests.unit.toolsets.replaying import cassette, remote_of
from tests.unit.toolsets.test_tempo_source import PAYMENTS, WINDOW, Fake, source

from steersman.domain.errors import ToolError, UnavailableError

LINES = {"query": {"matchers": [{"label": "app", "value": "shop"}]}}
OVER = {"start": 1795387835, "end": 1795389290, "step": "60s"}
SPAN_RATE = {"query": {}, **OVER}
LINE_RATE = {"query": {"kind": "count", "of": LINES["query"], "range_s": 60}, **OVER}
WHY = "Response exceeds maximum series limit of 3"
LEFT_OUT = [
    ("loki", "detected_fields", LINES, "found"),
    ("loki", "detected_labels", LINES, "found"),
    ("tempo", "search", {}, "traces"),
    ("tempo", "tag_values", {"field": {"scope": "resource", "name": "service.name"}}, "values"),
    ("tempo", "tags", {}, "scopes"),
]


async def ask(server: str, verb: str, arguments: dict[str, Any], said: object) -> dict[str, Any]:
    remote = remote_of(lambda _: httpx.Response(200, json=said), server)
    return await call_on(CLIENTS[server](remote), verb, arguments)


@pytest.mark.parametrize(("server", "verb", "arguments", "name"), LEFT_OUT)
async def test_a_list_that_is_left_out_is_empty(server: str, verb: str, arguments: dict[str, Any], name: str) -> None:
    assert not (await ask(server, verb, arguments, {}))[name]


@pytest.mark.parametrize(("server", "verb", "arguments", "name"), LEFT_OUT)
@pytest.mark.parametrize("said", [None, {"error": "login"}, [], "ok"])
async def test_an_answer_of_another_kind_is_not_taken_for_an_empty_one(
    server: str, verb: str, arguments: dict[str, Any], name: str, said: object
) -> None:
    with pytest.raises((ToolError, UnavailableError)):
        await ask(server, verb, arguments, said)


@pytest.mark.parametrize("message", [WHY, ""])
async def test_a_trace_or_number_that_tempo_gave_in_part_says_so(message: str) -> None:
    part = {"status": "PARTIAL", "message": message}
    for verb, arguments, recorded in (
        ("range", SPAN_RATE, "metrics-rate"),
        ("trace", {"trace_id": "8bfc8f1e6f6cda363475cf1dda8f9338"}, "trace-v2"),
    ):
        whole = cassette("tempo", recorded).document
        assert (await ask("tempo", verb, arguments, whole))["partial"] == ""
        said = (await ask("tempo", verb, arguments, {**whole, **part}))["partial"]
        assert said == message or (not message and "did not say why" in said)


async def test_spans_of_a_trace_in_part_are_not_taken_for_all() -> None:
    class Part(Fake):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            answer = super().__call__(request)
            if "/traces/" not in request.url.path:
                return answer
            return httpx.Response(200, json={**answer.json(), "status": "PARTIAL", "message": "trace exceeds max size"})

    assert (await source(Fake()).spans(PAYMENTS, WINDOW)).left_out == 0
    assert (await source(Part()).spans(PAYMENTS, WINDOW)).left_out == 1


async def test_what_loki_warns_of_is_told() -> None:
    warned = {"warnings": ["maximum number of series (500)\nreached for a single query"]}
    for verb, arguments, recorded in (
        ("logs", LINES, "query-range-forward"),
        ("range", LINE_RATE, "query-range-matrix"),
    ):
        whole = cassette("loki", recorded).document
        assert (await ask("loki", verb, arguments, whole))["warnings"] == []
        said = (await ask("loki", verb, arguments, {**whole, **warned}))["warnings"]
        assert said == ["maximum number of series (500) reached for a single query"]
