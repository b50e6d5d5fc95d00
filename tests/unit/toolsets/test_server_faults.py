"""Twelve ways in which a server goes wrong, times every operation of every telemetry toolset."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence

import httpx
import pytest
from tests.unit.toolsets.every_client import CLIENTS, arguments_of
from tests.unit.toolsets.replaying import remote_of
from tests.unit.toolsets.times import CONTEXT

from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import Binding

Server = Callable[[httpx.Request], httpx.Response]


class Endless(httpx.AsyncByteStream):
    """100 MB, a piece at a time; counts how much was taken."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(1_600):
            self.taken += 65_536
            yield b"[" * 65_536


def refused(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


def broken_off(_: httpx.Request) -> httpx.Response:
    raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def answering(status: int, **more: object) -> Server:
    return lambda _: httpx.Response(status, **more)  # type: ignore[arg-type]


FAULTS: dict[str, tuple[Server, tuple[type[Exception], ...]]] = {
    "401": (answering(401, text="no token"), (ToolError,)),
    "403": (answering(403, json={"message": "forbidden"}), (ToolError,)),
    "404": (answering(404, text="404 page not found"), (ToolError,)),
    "409": (answering(409, json={"error": "conflict"}), (ToolError,)),
    "429": (answering(429, headers={"retry-after": "7"}, text="slow down"), (UnavailableError,)),
    "500": (answering(500, text="panic:\n\x1b[31mat line 1"), (UnavailableError,)),
    "503": (answering(503, headers={"retry-after": "3"}, text=""), (UnavailableError,)),
    "bad JSON": (answering(200, text="<html>login</html>"), (UnavailableError,)),
    "truncated": (answering(200, text='{"status":"success","data":{"resul'), (UnavailableError,)),
    "empty": (answering(200, content=b""), (UnavailableError,)),
    "another shape": (answering(200, json={"status": "success", "data": 7, "trace": 7, "traces": 7}), (ToolError,)),
    "refused": (refused, (UnavailableError,)),
    "broken off": (broken_off, (UnavailableError,)),
    "redirect": (answering(302, headers={"location": "http://login.test/"}), (ToolError,)),
    "deep": (answering(200, text="[" * 100_000), (UnavailableError,)),
}


def every_operation() -> list[tuple[str, str]]:
    return [
        (name, binding.operation.name)
        for name, build in CLIENTS.items()
        for binding in build(remote_of(refused)).bindings()
        if binding.operation.name != "loki.follow"  # speaks WebSocket: its faults are in test_loki_socket
    ]


def binding_of(name: str, operation: str, server: Server, **limits: float) -> Binding:
    found: Sequence[Binding] = CLIENTS[name](remote_of(server, name, **limits)).bindings()
    return next(binding for binding in found if binding.operation.name == operation)


ODD_NUMBERS = {
    "prometheus.query": {
        "resultType": "vector",
        "result": [{"metric": {}, "value": [1, "NaN"]}, {"metric": {}, "value": [1, "+Inf"]}],
    },
    "prometheus.range": {
        "resultType": "matrix",
        "result": [{"metric": {}, "values": [[1, "NaN"], [2, "-Inf"], [3, "1"]]}],
    },
    "loki.query": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "NaN"]}]},
    "loki.range": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "+Inf"]]}]},
}
BARE = {
    "tempo.query": '{"series":[{"labels":[],"value":NaN}]}',
    "tempo.range": '{"series":[{"labels":[],"samples":[{"timestampMs":"1","value":Infinity}]}]}',
    "jaeger.search": '{"data":[{"traceID":"a","processes":{},"spans":[{"traceID":"a","spanID":"b","startTime":NaN}]}]}',
    "jaeger.trace": '{"data":[{"traceID":"a","spans":[{"traceID":"a","spanID":"b","startTime":Infinity}]}]}',
    "grafana.annotations": '[{"id":NaN,"time":1}]',
    "alertmanager.alerts": '[{"fingerprint":NaN}]',
}


@pytest.mark.parametrize("operation", [*ODD_NUMBERS, *BARE])
async def test_what_is_no_number_is_said_in_words_or_is_a_typed_error(operation: str) -> None:
    text = BARE.get(operation) or json.dumps({"status": "success", "data": ODD_NUMBERS.get(operation)})
    name = operation.partition(".")[0]
    binding = binding_of(name, operation, lambda _: httpx.Response(200, text=text))
    result = await result_of(binding, arguments_of(operation))
    if isinstance(result, dict):
        json.dumps(result, allow_nan=False)
        assert any(word in json.dumps(result) for word in ("NaN", "Inf"))
    else:
        assert isinstance(result, ToolError)


def is_accepted(operation: str, fault: str, answer: JsonObject) -> bool:
    """Answers that a fault may have: none is there, said so."""
    absent = next((answer[word] for word in ("exists", "found", "deleted") if word in answer), None)
    return fault == "404" and absent is False


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("name", "operation"), every_operation())
async def test_a_server_that_goes_wrong_is_a_typed_error(name: str, operation: str, fault: str) -> None:
    server, expected = FAULTS[fault]
    binding = binding_of(name, operation, server)
    result = await result_of(binding, arguments_of(operation))
    if isinstance(result, dict):
        assert is_accepted(operation, fault, result), result
        return
    assert isinstance(result, expected), repr(result)
    assert "\n" not in str(result)
    assert "\x1b" not in str(result)
    if fault == "429":
        assert isinstance(result, UnavailableError)
        assert result.retry_after_s == 7


async def result_of(binding: Binding, arguments: JsonObject) -> JsonObject | Exception:
    try:
        return await binding.run(arguments, CONTEXT)
    except (ToolError, UnavailableError) as e:
        return e


@pytest.mark.parametrize(("name", "operation"), every_operation())
async def test_a_body_of_100_megabytes_is_not_read_to_its_end(name: str, operation: str) -> None:
    stream = Endless()
    binding = binding_of(name, operation, lambda _: httpx.Response(200, stream=stream), max_body_bytes=1_000_000)
    with pytest.raises((ToolError, OutcomeUnknownError), match="longer than 1000000 bytes"):
        await binding.run(arguments_of(operation), CONTEXT)
    assert stream.taken < 2_000_000


class Stuck(httpx.AsyncBaseTransport):
    """Never answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize(("name", "operation"), every_operation())
async def test_a_server_that_says_nothing_costs_one_timeout(name: str, operation: str) -> None:
    remote = remote_of(refused, name, timeout_s=0.01)
    object.__setattr__(remote, "client", httpx.AsyncClient(transport=Stuck(), base_url="http://server.test"))
    found = {b.operation.name: b for b in CLIENTS[name](remote).bindings()}
    with pytest.raises(UnavailableError, match=r"no answer within 0\.01 s"):
        await found[operation].run(arguments_of(operation), CONTEXT)
