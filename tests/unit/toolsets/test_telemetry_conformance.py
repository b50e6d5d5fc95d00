"""The conformance suite, for every telemetry toolset."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
from tests.unit.toolsets import test_alertmanager, test_grafana
from tests.unit.toolsets.every_client import CLIENTS
from tests.unit.toolsets.replaying import cassette, remote_of

from steersman.domain.ports import Toolset
from steersman.testing.toolset_conformance import Example, ToolsetConformance

Server = Callable[[httpx.Request], httpx.Response]


def down(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused")


@asynccontextmanager
async def on(name: str, server: Server) -> AsyncIterator[Toolset]:
    remote = remote_of(server, name)
    async with remote.client:
        yield CLIENTS[name](remote)


class Telemetry(ToolsetConformance):
    name: str

    def server(self) -> Server:
        return lambda _: cassette(self.name, "buildinfo").response()

    def opened(self) -> AbstractAsyncContextManager[Toolset]:
        return on(self.name, self.server())

    def unreachable(self) -> AbstractAsyncContextManager[Toolset]:
        return on(self.name, down)


class TestPrometheus(Telemetry):
    name = "prometheus"

    def server(self) -> Server:
        return lambda _: cassette("prometheus", "status-buildinfo").response()


class TestLoki(Telemetry):
    name = "loki"


class TestTempo(Telemetry):
    name = "tempo"


class TestAlertmanager(Telemetry):
    name = "alertmanager"
    examples = (
        Example("alertmanager.create_silence", test_alertmanager.NIGHT),
        Example(
            "alertmanager.expire_silence",
            {"name": "night"},
            before=(("alertmanager.create_silence", test_alertmanager.NIGHT),),
        ),
    )

    def server(self) -> Server:
        fake = test_alertmanager.Fake()

        def serve(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/status"):
                return cassette("alertmanager", "status").response()
            return fake(request)

        return serve


class TestGrafana(Telemetry):
    name = "grafana"
    examples = tuple(
        Example(f"grafana.{verb}", arguments, tuple((f"grafana.{earlier}", its) for earlier, its in given))
        for verb, arguments, given in test_grafana.WRITES
    )

    def server(self) -> Server:
        fake = test_grafana.Fake()

        def serve(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/api/health":
                return httpx.Response(200, json={"version": "12.3.0", "database": "ok"})
            return fake(request)

        return serve
