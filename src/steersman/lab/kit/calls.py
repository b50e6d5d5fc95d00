"""Calls from one service to another: trace context, bounded pool, timeout, retries, and what is seen of them."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from opentelemetry import context as contexts
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from steersman.lab.kit.app import RefusedError
from steersman.lab.wire.client import Address, Client, PoolExhaustedError, UnreachableError
from steersman.lab.wire.message import DEADLINE, Request, Response

PROPAGATOR = TraceContextTextMapPropagator()
POOL_LIMIT = 100
TIMEOUT_S = 2.0


@dataclass(slots=True)
class Calls:
    """All outgoing calls of one process.

    `config` may set, by service: `_timeout_s`, `_attempts`, and `_patience_s`, after which an answer is thrown away and
    asked for again while attempts remain.
    """

    tracer: Tracer
    log: logging.Logger
    ports: Mapping[str, int]
    config: Mapping[str, float]
    clients: dict[str, Client] = field(init=False)

    def __post_init__(self) -> None:
        self.clients = {name: Client(Address("127.0.0.1", port), POOL_LIMIT) for name, port in self.ports.items()}

    async def post(self, service: str, path: str, body: Any) -> Any:
        """The JSON answer. Raises RefusedError with 502 or 504 when there is none."""
        return await self._ask(service, Request("POST", path, body=json.dumps(body).encode()))

    async def get(self, service: str, path: str) -> Any:
        """The JSON answer. Raises RefusedError with 502 or 504 when there is none."""
        target, _, query = path.partition("?")
        return await self._ask(service, Request("GET", target, query))

    def usage(self) -> dict[str, float]:
        """The share of each pool's connections that is in use."""
        return {name: client.in_use / client.limit for name, client in self.clients.items()}

    async def _ask(self, service: str, request: Request) -> Any:
        attempts = int(self.config.get(f"{service}_attempts", 1))
        for attempt in range(1, attempts + 1):
            began = time.perf_counter()
            try:
                response = await self._once(service, request, attempt)
            except RefusedError as e:
                if attempt == attempts:
                    raise
                reason = str(e)
            else:
                took_s = time.perf_counter() - began
                if attempt == attempts or took_s <= self.config.get(f"{service}_patience_s", math.inf):
                    return response.document()
                reason = f"the answer took {took_s * 1_000:.0f} ms"
            self.log.warning("retrying %s %s, attempt %d: %s", service, request.path, attempt + 1, reason)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, service: str, request: Request, attempt: int) -> Response:
        timeout_s = self.config.get(f"{service}_timeout_s", TIMEOUT_S)
        span = self.tracer.start_span(
            request.method,
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": request.method,
                "url.path": request.path,
                "peer.service": service,
                "http.request.resend_count": attempt - 1,
            },
        )
        headers: dict[str, str] = {}
        PROPAGATOR.inject(headers, set_span_in_context(span, contexts.get_current()))
        headers[DEADLINE] = f"{time.time() + timeout_s:.3f}"
        sent = Request(request.method, request.path, request.query, headers, request.body)
        try:
            response = await self.clients[service].send(sent, timeout_s)
        except (UnreachableError, PoolExhaustedError) as e:
            raise self._failed(span, HTTPStatus.BAD_GATEWAY, f"{service}: {e}") from e
        except TimeoutError as e:
            reason = f"{service} did not answer within {timeout_s:g} s"
            raise self._failed(span, HTTPStatus.GATEWAY_TIMEOUT, reason) from e
        else:
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= HTTPStatus.BAD_REQUEST:
                reason = f"{service} answered {response.status} to {request.method} {request.path}"
                raise self._failed(span, _passed_on(response.status), reason)
            return response
        finally:
            span.end()

    def _failed(self, span: Span, status: int, reason: str) -> RefusedError:
        span.set_status(StatusCode.ERROR, reason)
        return RefusedError(status, reason)


def _passed_on(status: int) -> int:
    return HTTPStatus.BAD_GATEWAY if status >= HTTPStatus.INTERNAL_SERVER_ERROR else status
