"""The practice environment's operations, done over HTTP by its controller `labd`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import httpx

from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.finding import FaultKind
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, BlastRadius, Invocation, Operation
from steersman.domain.ports import Binding, CallContext, Handler

SERVICE: JsonObject = {"enum": ["front", "catalog", "checkout", "payments"]}
POOL: JsonObject = {"enum": ["blue", "green"]}
VERSION: JsonObject = {"type": "string", "pattern": "^v?[0-9][A-Za-z0-9.+-]{0,31}$"}
DIGEST: JsonObject = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
FLAG: JsonObject = {"type": "boolean"}
COUNT: JsonObject = {"type": "integer", "minimum": 0}
PERCENT: JsonObject = {"type": "integer", "minimum": 0, "maximum": 100}
RATE: JsonObject = {"type": "number", "minimum": 0, "maximum": 500}
WEIGHTS: JsonObject = {
    "type": "object",
    "properties": {"blue": PERCENT, "green": PERCENT},
    "required": ["blue", "green"],
    "additionalProperties": False,
}
SERVICE_ID = "lab/service/{service}"
ROUTE_ID = "lab/route/{service}"
POOL_ID = "lab/pool/{service}/{pool}"
ARTIFACT_ID = "lab/artifact/{service}/{version}"
FAULT_ID = "lab/fault/{service}/{fault}"
LOAD_ID = "lab/load"


def _closed(properties: Mapping[str, JsonObject], *optional: str) -> JsonObject:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _name(verb: str) -> OperationName:
    return OperationName(f"lab.{verb}")


def _args(*names: str) -> JsonObject:
    return {name: {"$arg": f"/{name}"} for name in names}


def _befores(*names: str) -> JsonObject:
    return {name: {"$before": f"/{name}"} for name in names}


FAULT: JsonObject = {"enum": [kind for kind in get_args(FaultKind) if kind != "unknown"]}
POOL_STATE = _closed({"exists": FLAG, "version": VERSION, "digest": DIGEST}, "version", "digest")
ARTIFACT_STATE = _closed({"exists": FLAG, "digest": DIGEST})
ROUTE_STATE = _closed({"exists": FLAG, "weights": WEIGHTS})


def _read(
    verb: str, summary: str, takes: JsonObject, gives: JsonObject, *, resource: str = "", timeout_s: float = 10
) -> Operation:
    return Operation(
        name=_name(verb),
        summary=summary,
        effect="read",
        access="read",
        resource=resource,
        idempotent="natural",
        input_schema=takes,
        output_schema=gives,
        timeout_s=timeout_s,
    )


def _write(verb: str, summary: str, *, access: Access, blast: BlastRadius, **more: Any) -> Operation:
    return Operation(
        name=_name(verb),
        summary=summary,
        effect="write",
        access=access,
        blast_radius=blast,
        idempotent="keyed",
        **more,
    )


def _invoke(verb: str, arguments: JsonObject) -> Invocation:
    return Invocation(operation=_name(verb), arguments=arguments)


READS: tuple[Operation, ...] = (
    _read(
        "list_services",
        "Names the shop's services and the versions that can be built of each",
        _closed({}),
        _closed({"services": {"type": "object", "additionalProperties": {"type": "array", "items": VERSION}}}),
    ),
    _read(
        "get_service",
        "Shows what runs in both pools of a service and how traffic is shared between them",
        _closed({"service": SERVICE}),
        _closed({"service": SERVICE, "weights": WEIGHTS, "pools": _closed({"blue": POOL_STATE, "green": POOL_STATE})}),
        resource=SERVICE_ID,
    ),
    _read(
        "get_weights",
        "Shows the shares of traffic of both pools, in percent",
        _closed({"service": SERVICE}),
        ROUTE_STATE,
        resource=ROUTE_ID,
    ),
    _read(
        "get_pool",
        "Shows which version and artifact a pool is to run",
        _closed({"service": SERVICE, "pool": POOL}),
        POOL_STATE,
        resource=POOL_ID,
    ),
    _read(
        "get_endpoint",
        "Shows where a service can be asked, or one pool of it, past the proxy: for load tests",
        _closed({"service": SERVICE, "pool": POOL}, "pool"),
        _closed({"url": {"type": "string"}}),
    ),
    _read(
        "get_artifact",
        "Shows whether a version is built, and the digest that its source builds to",
        _closed({"service": SERVICE, "version": VERSION}),
        ARTIFACT_STATE,
        resource=ARTIFACT_ID,
    ),
    _read(
        "test_artifact",
        "Runs an artifact's own unit tests in a process of their own",
        _closed({"service": SERVICE, "digest": DIGEST}),
        _closed({"passed": FLAG, "tests": COUNT}),
        timeout_s=60,
    ),
    _read(
        "wait_ready",
        "Waits until what runs in a pool answers its readiness probe; fails when it does not in time",
        _closed(
            {
                "service": SERVICE,
                "pool": POOL,
                "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 120},
            },
            "timeout_s",
        ),
        _closed({"ready": FLAG}),
        resource=POOL_ID,
        timeout_s=125,
    ),
    _read(
        "smoke_test",
        "Sends a few requests that change nothing straight to a pool, past the proxy",
        _closed({"service": SERVICE, "pool": POOL}),
        _closed({"passed": FLAG, "requests": COUNT, "failures": COUNT}),
        resource=POOL_ID,
        timeout_s=30,
    ),
    _read(
        "reconcile",
        "Holds the payments against the orders that customers had acknowledged, and earlier rows against their chain",
        _closed({"service": SERVICE}),
        _closed({"reconciled": FLAG, "lost": COUNT, "altered": COUNT, "duplicated": COUNT, "orders": COUNT}),
        timeout_s=30,
    ),
    _read(
        "get_fault",
        "Shows whether a fault is switched on",
        _closed({"service": SERVICE, "fault": FAULT}),
        _closed({"exists": FLAG, "on": FLAG}, "on"),
        resource=FAULT_ID,
    ),
    _read(
        "get_load",
        "Shows how many requests per second customers send",
        _closed({}),
        _closed({"exists": FLAG, "rate": RATE}),
        resource=LOAD_ID,
    ),
)

WRITES: tuple[Operation, ...] = (
    _write(
        "build",
        "Packs a service's source at a version into an artifact; the same source gives the same digest",
        access="create",
        blast="none",
        resource=ARTIFACT_ID,
        input_schema=_closed({"service": SERVICE, "version": VERSION}),
        output_schema=_closed({"digest": DIGEST}),
        probe=_invoke("get_artifact", _args("service", "version")),
        after={"exists": True, **_befores("digest")},
        inverse=_invoke("delete_artifact", _args("service", "version")),
    ),
    _write(
        "delete_artifact",
        "Deletes an artifact from the lab's registry; refused while a pool runs it",
        access="delete",
        blast="none",
        resource=ARTIFACT_ID,
        input_schema=_closed({"service": SERVICE, "version": VERSION}),
        output_schema=_closed({"exists": FLAG}),
        probe=_invoke("get_artifact", _args("service", "version")),
        after={"exists": False, **_befores("digest")},
        inverse=_invoke("build", _args("service", "version")),
    ),
    _write(
        "start",
        "Starts an artifact in an empty pool, without traffic",
        access="create",
        blast="instance",
        resource=POOL_ID,
        uses=(ARTIFACT_ID,),
        input_schema=_closed({"service": SERVICE, "pool": POOL, "version": VERSION, "digest": DIGEST}),
        output_schema=POOL_STATE,
        probe=_invoke("get_pool", _args("service", "pool")),
        after={"exists": True, **_args("version", "digest")},
        inverse=_invoke("stop", _args("service", "pool")),
    ),
    _write(
        "stop",
        "Stops what runs in a pool, after the requests that it has begun; refused while the pool takes traffic",
        access="delete",
        blast="instance",
        resource=POOL_ID,
        input_schema=_closed({"service": SERVICE, "pool": POOL}),
        output_schema=_closed({"exists": FLAG}),
        probe=_invoke("get_pool", _args("service", "pool")),
        after={"exists": False},
        inverse=_invoke("start", {**_args("service", "pool"), **_befores("version", "digest")}),
    ),
    _write(
        "set_weights",
        "Shares the traffic of a service between its pools, in percent; both together make 100",
        access="update",
        blast="service",
        resource=ROUTE_ID,
        input_schema=_closed({"service": SERVICE, "weights": WEIGHTS}),
        output_schema=ROUTE_STATE,
        probe=_invoke("get_weights", _args("service")),
        after={"exists": True, **_args("weights")},
        inverse=_invoke("set_weights", {**_args("service"), **_befores("weights")}),
    ),
    _write(
        "set_fault",
        "Switches a fault of a service on or off",
        access="update",
        blast="service",
        resource=FAULT_ID,
        input_schema=_closed({"service": SERVICE, "fault": FAULT, "on": FLAG}),
        output_schema=_closed({"exists": FLAG, "on": FLAG}),
        probe=_invoke("get_fault", _args("service", "fault")),
        after={"exists": True, **_args("on")},
        inverse=_invoke("set_fault", {**_args("service", "fault"), **_befores("on")}),
    ),
    _write(
        "set_load",
        "Sets how many requests per second customers send",
        access="update",
        blast="environment",
        resource=LOAD_ID,
        input_schema=_closed({"rate": RATE}),
        output_schema=_closed({"exists": FLAG, "rate": RATE}),
        probe=_invoke("get_load", {}),
        after={"exists": True, **_args("rate")},
        inverse=_invoke("set_load", _befores("rate")),
    ),
)
OPERATIONS: tuple[Operation, ...] = (*READS, *WRITES)


class LabToolset:
    """The operations of one lab.

    client: carries the base URL of the lab's controller and its token; whoever opened it closes it.
    """

    name = "lab"

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    def bindings(self) -> Sequence[Binding]:
        """All operations of the lab. Does no I/O."""
        return tuple(Binding(operation, self._handler(operation)) for operation in OPERATIONS)

    async def environment(self) -> Environment:
        """The lab's identity, as its controller tells it."""
        return Environment.model_validate(await self._ask("environment", {}, sent_is_done=False, timeout_s=5))

    def _handler(self, operation: Operation) -> Handler:
        verb = operation.name.partition(".")[2]

        async def read(arguments: JsonObject, _: CallContext) -> JsonObject:
            return await self._ask(verb, {"arguments": arguments}, sent_is_done=False, timeout_s=operation.timeout_s)

        async def write(arguments: JsonObject, context: CallContext) -> JsonObject:
            body: JsonObject = {"arguments": arguments, "key": context.key, "expected": context.before}
            return await self._ask(verb, body, sent_is_done=True, timeout_s=operation.timeout_s)

        return read if operation.effect == "read" else write

    async def _ask(self, verb: str, body: JsonObject, *, sent_is_done: bool, timeout_s: float) -> JsonObject:
        """The controller's answer. sent_is_done: a request without an answer may have had its effect."""
        try:
            response = await self._client.post(f"/v1/{verb}", json=body, timeout=timeout_s)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as e:
            raise UnavailableError(
                f"the lab at {self._client.base_url} does not answer; is it up? try `steer lab status`"
            ) from e
        except httpx.TransportError as e:
            kind = OutcomeUnknownError if sent_is_done else UnavailableError
            raise kind(f"lab.{verb}: sent, and no answer came ({type(e).__name__})") from e
        return _answer(verb, response)


def _answer(verb: str, response: httpx.Response) -> JsonObject:
    try:
        document = response.json()
    except ValueError as e:
        raise ToolError(f"lab.{verb}: the answer is no JSON ({response.status_code}); is this the lab's URL?") from e
    if not isinstance(document, dict):
        raise ToolError(f"lab.{verb}: the answer is no JSON object, but {type(document).__name__}")
    if response.is_success:
        return document
    reason = f"lab.{verb}: {document.get('error', response.status_code)}"
    raise UnavailableError(reason) if response.status_code == httpx.codes.SERVICE_UNAVAILABLE else ToolError(reason)
