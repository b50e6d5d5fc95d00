"""The toolset against a real lab: every write does what its probe, after and inverse promise."""

import asyncio
from typing import Any

import httpx
import jsonschema_rs
import pytest
from tests.integration.lab.calling import Caller

from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.lab.state import LabInfo
from steersman.toolsets.lab import OPERATIONS, LabToolset


@pytest.fixture
def caller(toolset: LabToolset) -> Caller:
    return Caller(toolset)


async def test_it_is_the_environment_that_its_file_names(toolset: LabToolset, lab: LabInfo) -> None:
    assert await toolset.environment() == lab.environment


async def test_a_bad_release_goes_out_to_a_tenth_and_comes_back_without_a_trace(caller: Caller) -> None:
    service, version = "payments", "v2"
    before = await caller.raw("get_service", {"service": service})
    built, unbuild = await caller.write("build", service=service, version=version)
    digest = built["digest"]
    tested = await caller.raw("test_artifact", {"service": service, "digest": digest})
    assert tested == {"passed": True, "tests": 2}  # they miss the bug, as in life
    _, stop = await caller.write("start", service=service, pool="green", version=version, digest=digest)
    assert await caller.raw("wait_ready", {"service": service, "pool": "green"}) == {"ready": True}
    assert (await caller.raw("smoke_test", {"service": service, "pool": "green"}))["passed"] is True
    _, unshift = await caller.write("set_weights", service=service, weights={"blue": 90, "green": 10})
    await asyncio.sleep(1.5)
    for inverse in (unshift, stop, unbuild):
        await caller.undo(inverse)
    assert await caller.raw("get_service", {"service": service}) == before
    reconciled = await caller.raw("reconcile", {"service": service})
    assert reconciled["reconciled"] is True
    assert reconciled["orders"] > 0


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("set_load", {"rate": 55}),
        ("set_fault", {"service": "catalog", "fault": "network_delay", "on": True}),
        ("build", {"service": "front", "version": "v2"}),
    ],
)
async def test_a_write_and_its_inverse_leave_what_was(caller: Caller, verb: str, arguments: dict[str, Any]) -> None:
    operation = caller.bindings[f"lab.{verb}"].operation
    before = await caller.probe(operation, arguments)
    _, inverse = await caller.write(verb, **arguments)
    await caller.undo(inverse)
    assert await caller.probe(operation, arguments) == before


async def test_what_was_stopped_starts_again_as_it_was(caller: Caller) -> None:
    built = await caller.raw("build", {"service": "catalog", "version": "v1"})
    start = {"service": "catalog", "pool": "green", "version": "v1", "digest": built["digest"]}
    await caller.write("start", **start)
    _, restart = await caller.write("stop", service="catalog", pool="green")
    assert restart.arguments == start
    await caller.undo(restart)
    await caller.write("stop", service="catalog", pool="green")


async def test_a_repeated_key_is_done_once_and_answered_alike(caller: Caller) -> None:
    weights = {"service": "front", "weights": {"blue": 100, "green": 0}}
    artifact = await caller.raw("get_artifact", {"service": "front", "version": "v1"})
    start = {"service": "front", "pool": "green", "version": "v1", "digest": artifact["digest"]}
    first, second = await asyncio.gather(*(caller.raw("start", start, key="once") for _ in range(2)))
    assert first == second == await caller.raw("start", start, key="once")
    with pytest.raises(ToolError, match="used for something else"):
        await caller.raw("set_weights", weights, key="once")
    with pytest.raises(ToolError, match="not empty"):
        await caller.raw("start", start, key="twice")
    await caller.raw("stop", {"service": "front", "pool": "green"})


async def test_a_write_on_another_state_than_expected_is_refused(caller: Caller) -> None:
    seen = {"exists": True, "weights": {"blue": 50, "green": 50}}
    arguments = {"service": "checkout", "weights": {"blue": 100, "green": 0}}
    with pytest.raises(ToolError, match="the state has changed"):
        await caller.raw("set_weights", arguments, before=seen)


@pytest.mark.parametrize(
    ("verb", "arguments", "reason"),
    [
        (
            "set_weights",
            {"service": "checkout", "weights": {"blue": 50, "green": 50}},
            "nothing runs in checkout/green",
        ),
        ("set_weights", {"service": "checkout", "weights": {"blue": 50, "green": 40}}, "make 100 together"),
        ("stop", {"service": "checkout", "pool": "blue"}, "100 % of the traffic"),
        ("stop", {"service": "checkout", "pool": "green"}, "nothing runs"),
        ("delete_artifact", {"service": "checkout", "version": "v1"}, "runs in pool blue"),
        ("build", {"service": "checkout", "version": "v99"}, "no version 'v99'"),
        ("start", {"service": "front", "pool": "green", "version": "v1", "digest": f"sha256:{0:064}"}, "no artifact"),
        ("set_fault", {"service": "front", "fault": "slow_disk", "on": True}, "has no fault"),
        ("wait_ready", {"service": "front", "pool": "green"}, "nothing runs"),
        ("get_pool", {"service": "front", "pool": "blue", "color": "red"}, "color"),
        ("get_pool", {"service": "front/../x", "pool": "blue"}, "service"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(
    caller: Caller, verb: str, arguments: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ToolError, match=reason):
        await caller.raw(verb, arguments)


async def test_reads_answer_as_their_schemas_say(caller: Caller) -> None:
    samples = {"service": "payments", "pool": "blue", "version": "v1", "fault": "slow_disk", "timeout_s": 5}
    samples["digest"] = (await caller.raw("get_artifact", {"service": "payments", "version": "v1"}))["digest"]
    for operation in OPERATIONS:
        if operation.effect == "read":
            names = operation.input_schema["properties"]
            assert isinstance(names, dict)
            arguments = {name: samples[name] for name in names}
            jsonschema_rs.validate(operation.input_schema, arguments)
            await caller.raw(str(operation.name).partition(".")[2], arguments)


async def test_nobody_gets_in_without_the_token(lab: LabInfo) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for url in (f"{lab.url}/v1/environment", f"{lab.collector_url}/logs", f"{lab.collector_url}/v1/traces"):
            for headers in ({}, {"authorization": "Bearer x"}):
                assert (await http.post(url, json={}, headers=headers)).status_code == 401


async def test_a_lab_that_is_gone_is_unavailable() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1", trust_env=False) as http:
        with pytest.raises(UnavailableError) as caught:
            await Caller(LabToolset(http)).raw("get_load", {})
    assert not isinstance(caught.value, OutcomeUnknownError)
