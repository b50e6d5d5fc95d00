"""The weighted reverse proxy before all services: one process, one port a service, pools blue and green behind it."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from opentelemetry.metrics import Counter
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from steersman.domain.fact import Fact
from steersman.lab.kit.calls import PROPAGATOR
from steersman.lab.kit.identity import Backend, Identity
from steersman.lab.kit.telemetry import logger_of, start
from steersman.lab.weighting import SmoothWeights
from steersman.lab.wire.client import Address, Client, PoolExhaustedError, UnreachableError
from steersman.lab.wire.message import DEADLINE, Request, Response, answer
from steersman.lab.wire.server import Handler, Server

UPSTREAM_TIMEOUT_S = 8.0
PASSED_ON = ("traceparent", "tracestate", "content-type", "x-request-id", DEADLINE)


class Upstream(Fact):
    """What runs in a pool, as the proxy needs it."""

    port: int
    instance: str
    version: str


class Table(Fact):
    """Everything that the proxy routes by for one service."""

    weights: dict[str, int]
    upstreams: dict[str, Upstream]
    delay_s: float = 0.0
    """Added before each request goes out; a fault of the network sets it."""


class ProxySpec(Fact):
    """What the proxy is started with. Its sockets are the admin's, then one for each service in this order."""

    identity: Identity
    backend: Backend
    admin_token: str
    services: tuple[str, ...]


@dataclass(slots=True)
class Route:
    """One service behind the proxy."""

    service: str
    tracer: Tracer
    log: logging.Logger
    forwarded: Counter
    turns: SmoothWeights = field(default_factory=lambda: SmoothWeights({}))
    upstreams: dict[str, Upstream] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    delay_s: float = 0.0

    def set(self, table: Table) -> None:
        """Routes by this table from the next request on; pools that are as before keep their connections."""
        if dict(self.turns.weights) != table.weights:
            self.turns = SmoothWeights(table.weights)
        for pool in [name for name in self.clients if table.upstreams.get(name) != self.upstreams[name]]:
            self.clients.pop(pool).close()
        self.upstreams, self.delay_s = dict(table.upstreams), table.delay_s
        for pool, upstream in self.upstreams.items():
            self.clients.setdefault(pool, Client(Address("127.0.0.1", upstream.port), limit=256))

    async def handle(self, request: Request) -> Response:
        """The answer of the pool whose turn it is, or 502, 503, 504 of the proxy's own."""
        if request.path.startswith("/-/"):
            return answer({"error": "not for customers"}, HTTPStatus.NOT_FOUND)
        if request.expired(time.time()):
            return answer({"error": "too late"}, HTTPStatus.GATEWAY_TIMEOUT)
        pool = self.turns.take()
        client = self.clients.get(pool or "")
        if pool is None or client is None:
            return self._failed(request, pool or "", HTTPStatus.SERVICE_UNAVAILABLE, "no upstream in the pool")
        if self.delay_s:
            await asyncio.sleep(self.delay_s * random.uniform(0.7, 1.3))  # noqa: S311 - jitter of a practice fault
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        onward = Request(request.method, request.path, request.query, headers, request.body)
        try:
            response = await client.send(onward, UPSTREAM_TIMEOUT_S)
        except (UnreachableError, PoolExhaustedError) as e:
            return self._failed(request, pool, HTTPStatus.SERVICE_UNAVAILABLE, f"upstream connect error: {e}")
        except TimeoutError:
            return self._failed(request, pool, HTTPStatus.GATEWAY_TIMEOUT, "upstream did not answer in time")
        self._count(pool, response.status)
        return response

    def _failed(self, request: Request, pool: str, status: int, reason: str) -> Response:
        """An answer that no pool gave: the only requests that the proxy itself makes a span of."""
        upstream = self.upstreams.get(pool)
        span = self.tracer.start_span(
            f"upstream {self.service}",
            PROPAGATOR.extract(request.headers),
            SpanKind.CLIENT,
            {
                "http.request.method": request.method,
                "http.response.status_code": status,
                "peer.service": self.service,
                "peer.pool": pool,
                "peer.version": upstream.version if upstream else "",
                "peer.instance": upstream.instance if upstream else "",
            },
        )
        span.set_status(StatusCode.ERROR, reason)
        span.end()
        self.log.error("%s/%s %s %s: %s", self.service, pool, request.method, request.path, reason)
        self._count(pool, status)
        return answer({"error": reason}, status)

    def _count(self, pool: str, status: int) -> None:
        self.forwarded.add(1, {"peer.service": self.service, "peer.pool": pool, "http.response.status_code": status})


def _admin(routes: Mapping[str, Route], token: str) -> Handler:
    async def handle(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {token}":
            return answer({"error": "wrong token"}, HTTPStatus.UNAUTHORIZED)
        for service, table in request.document().items():
            routes[service].set(Table.model_validate(table))
        return answer({})

    return handle


async def serve(spec: ProxySpec, sockets: list[socket.socket]) -> None:
    """Forwards until SIGTERM."""
    telemetry = start(spec.identity, spec.backend)
    log = logger_of(spec.identity, telemetry)
    forwarded = telemetry.meter.create_counter("proxy.requests", "{request}", "Requests by pool and answer")
    routes = {name: Route(name, telemetry.tracer, log, forwarded) for name in spec.services}
    handlers = [_admin(routes, spec.admin_token), *(route.handle for route in routes.values())]
    servers = [Server(handler) for handler in handlers]
    for server, listening in zip(servers, sockets, strict=True):
        await server.start(listening)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    log.info("proxy is ready")
    await stopping.wait()
    for server in servers:
        await server.close(drain_s=1.0)
    await asyncio.to_thread(telemetry.flush)
