"""The process of one service: loads its code from an artifact, serves it, and lets it be seen."""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from opentelemetry import context as contexts
from opentelemetry.metrics import CallbackOptions, Histogram, Observation
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context

from steersman.lab.kit.app import App, Kit, RefusedError, Route
from steersman.lab.kit.calls import PROPAGATOR, Calls
from steersman.lab.kit.database import Database, Disk
from steersman.lab.kit.faults import Illness
from steersman.lab.kit.identity import ServiceSpec
from steersman.lab.kit.outbox import Outbox
from steersman.lab.kit.parts import Parts
from steersman.lab.kit.telemetry import Telemetry, logger_of, start
from steersman.lab.shop import PACKAGE
from steersman.lab.wire.message import Request, Response, answer
from steersman.lab.wire.server import Server

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


@dataclass(slots=True)
class Running:
    """A service that answers requests."""

    app: App
    parts: Parts
    telemetry: Telemetry
    illness: Illness
    admin_token: str
    duration: Histogram

    async def handle(self, request: Request) -> Response:
        """The answer to any request, observed as OpenTelemetry's HTTP conventions say."""
        if request.path.startswith("/-/"):
            return self._admin(request)
        found = self.app.find(request)
        if found is None:
            return answer({"error": f"nothing at {request.path}"}, HTTPStatus.NOT_FOUND)
        if request.expired(time.time()):
            return answer({"error": "too late"}, HTTPStatus.GATEWAY_TIMEOUT)
        route, holes = found
        parent = PROPAGATOR.extract(request.headers)
        began = time.perf_counter()
        span = self.telemetry.tracer.start_span(
            route.name,
            parent,
            SpanKind.SERVER,
            {"http.request.method": request.method, "http.route": route.template, "url.path": request.path},
        )
        token = contexts.attach(set_span_in_context(span, parent))
        try:
            response = await self._answer(route, request, holes)
        finally:
            contexts.detach(token)
        self._observe(span, route, response, time.perf_counter() - began)
        return response

    async def _answer(self, route: Route, request: Request, holes: tuple[str, ...]) -> Response:
        try:
            for hook in self.parts.before_request:
                hook(route.name)
            return await route.handler(request, *holes)
        except RefusedError as e:
            level = logging.ERROR if e.status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
            self.parts.log.log(level, "%s: %s", route.name, e)
            return answer({"error": str(e)}, e.status)
        except Exception as e:  # the border of a server request: a bug in the shop's code is an answer of 500
            self.parts.log.exception("%s: unhandled %s", route.name, type(e).__name__)
            return answer({"error": "internal error"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _observe(self, span: Span, route: Route, response: Response, seconds: float) -> None:
        span.set_attribute("http.response.status_code", response.status)
        if response.failed:
            span.set_status(StatusCode.ERROR)
        span.end()
        labels: dict[str, str | int] = {
            "http.request.method": route.method,
            "http.route": route.template,
            "http.response.status_code": response.status,
        }
        self.duration.record(seconds, labels)

    def _admin(self, request: Request) -> Response:
        if request.path == "/-/ready":
            return answer({"ready": True})
        if request.headers.get("authorization") != f"Bearer {self.admin_token}":
            return answer({"error": "wrong token"}, HTTPStatus.UNAUTHORIZED)
        if (request.method, request.path) == ("POST", "/-/fault"):
            wanted = request.document()
            self.illness.switch(wanted["fault"], on=wanted["on"])
            return answer(wanted)
        return answer({"error": f"nothing at {request.path}"}, HTTPStatus.NOT_FOUND)


async def serve(spec: ServiceSpec, listening: socket.socket) -> None:
    """Serves until SIGTERM, then ends what was begun."""
    telemetry = start(spec.identity, spec.backend)
    log = logger_of(spec.identity, telemetry)
    config: dict[str, float] = {}
    calls = Calls(telemetry.tracer, log, spec.routes, config)
    parts = Parts(log, calls, config, telemetry.flush)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    async with asyncio.TaskGroup() as group:
        app = await _load(spec, parts, telemetry, group)
        illness = Illness(parts, group)
        duration = telemetry.meter.create_histogram(
            "http.server.request.duration", "s", explicit_bucket_boundaries_advisory=SECONDS
        )
        _observe_parts(telemetry, parts)
        server = Server(Running(app, parts, telemetry, illness, spec.admin_token, duration).handle)
        await server.start(listening)
        log.info("%s %s is ready", spec.identity.service, spec.identity.version)
        for fault in spec.faults:
            illness.switch(fault, on=True)
        await stopping.wait()
        await server.close()
        for task in parts.tasks:
            task.cancel()
    await asyncio.to_thread(telemetry.flush)


async def _load(spec: ServiceSpec, parts: Parts, telemetry: Telemetry, group: asyncio.TaskGroup) -> App:
    sys.path.insert(0, spec.artifact)
    code = importlib.import_module(f"{PACKAGE}.app")

    def open_database(path: Path) -> Database:
        database = Database(path, telemetry.tracer, Disk())
        parts.databases.append(database)
        return database

    def open_outbox(name: str, send: Callable[[Any], Awaitable[None]]) -> Outbox:
        outbox = Outbox(name, send)
        parts.outboxes.append(outbox)
        parts.tasks.append(group.create_task(outbox.work(), name=f"outbox {name}"))
        return outbox

    kit = Kit(parts.log, parts.calls, parts.config, Path(spec.data_folder), open_database, open_outbox)
    made = await code.create(kit)
    assert isinstance(made, App)
    return made


def _observe_parts(telemetry: Telemetry, parts: Parts) -> None:
    def depth(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(outbox.depth, {"messaging.destination.name": outbox.name}) for outbox in parts.outboxes]

    def usage(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(used, {"peer.service": name}) for name, used in parts.calls.usage().items()]

    telemetry.meter.create_observable_gauge("messaging.queue.depth", [depth], "{message}", "Messages that wait")
    telemetry.meter.create_observable_gauge("http.client.pool.usage", [usage], "1", "Share of connections in use")
