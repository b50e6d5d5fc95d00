"""Declarations of the lab's operations, and what its toolset makes of answers."""

from datetime import UTC, datetime

import httpx
import jsonschema_rs
import pytest

from steersman.domain.errors import OutcomeUnknownError, SteersmanError, ToolError, UnavailableError
from steersman.domain.ports import CallContext
from steersman.lab.api import VERBS
from steersman.toolsets.lab import OPERATIONS, LabToolset

BY_NAME = {operation.name: operation for operation in OPERATIONS}
CONTEXT = CallContext(key="run/step/do", deadline=datetime(2026, 1, 1, tzinfo=UTC), before={"exists": False})


def toolset(answer: httpx.MockTransport) -> LabToolset:
    return LabToolset(httpx.AsyncClient(transport=answer, base_url="http://lab"))


async def call(transport: httpx.MockTransport, verb: str) -> object:
    run = {binding.operation.name: binding.run for binding in toolset(transport).bindings()}
    return await run[BY_NAME[f"lab.{verb}"].name]({"rate": 5}, CONTEXT)  # type: ignore[index]


def test_every_write_can_be_seen_foreseen_and_undone() -> None:
    for operation in OPERATIONS:
        if operation.effect != "read":
            assert operation.probe is not None, operation.name
            assert operation.after is not None, operation.name
            assert operation.inverse is not None, operation.name
            probe, inverse = BY_NAME[operation.probe.operation], BY_NAME[operation.inverse.operation]
            assert probe.effect == "read"
            assert probe.resource == operation.resource == inverse.resource
            assert inverse.probe == operation.probe


def test_the_controller_knows_the_same_verbs_and_no_write_more() -> None:
    declared = {operation.name.partition(".")[2]: operation.effect != "read" for operation in OPERATIONS}
    served = {name: verb.probe is not None for name, verb in VERBS.items()}
    assert declared == {name: writes for name, writes in served.items() if name != "traffic"}


def test_schemas_are_schemas_and_closed() -> None:
    for operation in OPERATIONS:
        jsonschema_rs.validator_for(operation.input_schema)
        jsonschema_rs.validator_for(operation.output_schema)
        assert operation.input_schema["additionalProperties"] is False


async def test_a_write_carries_its_key_and_the_state_that_it_expects() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"exists": True, "rate": 5})

    await call(httpx.MockTransport(answer), "set_load")
    assert sent[0].url.path == "/v1/set_load"
    assert sent[0].read() == b'{"arguments":{"rate":5},"key":"run/step/do","expected":{"exists":false}}'
    await call(httpx.MockTransport(answer), "get_load")
    assert sent[1].read() == b'{"arguments":{"rate":5}}'


@pytest.mark.parametrize(
    ("verb", "error", "kind"),
    [
        ("set_load", httpx.ReadTimeout("late"), OutcomeUnknownError),
        ("set_load", httpx.RemoteProtocolError("cut"), OutcomeUnknownError),
        ("set_load", httpx.ConnectError("refused"), UnavailableError),
        ("get_load", httpx.ReadTimeout("late"), UnavailableError),
    ],
)
async def test_only_a_write_that_was_sent_has_an_unknown_outcome(
    verb: str, error: httpx.TransportError, kind: type[SteersmanError]
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(UnavailableError) as caught:
        await call(httpx.MockTransport(fail), verb)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(409, json={"error": "no"}), ToolError),
        (httpx.Response(400, json={"error": "no"}), ToolError),
        (httpx.Response(503, json={"error": "no"}), UnavailableError),
        (httpx.Response(200, text="<html>"), ToolError),
        (httpx.Response(200, json=[1]), ToolError),
    ],
)
async def test_refusals_and_strange_answers_are_told_apart(
    response: httpx.Response, kind: type[SteersmanError]
) -> None:
    with pytest.raises(SteersmanError) as caught:
        await call(httpx.MockTransport(lambda _: response), "set_load")
    assert type(caught.value) is kind
