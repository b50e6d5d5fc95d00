"""The kinds of processes that the zygote can become."""

from __future__ import annotations

import socket
from typing import Any

from steersman.lab import proxy, world
from steersman.lab.collector import server as collector
from steersman.lab.kit import runtime
from steersman.lab.kit.identity import ServiceSpec
from steersman.lab.zygote import Role


async def _service(spec: dict[str, Any], sockets: list[socket.socket]) -> None:
    await runtime.serve(ServiceSpec.model_validate(spec), sockets[0])


async def _proxy(spec: dict[str, Any], sockets: list[socket.socket]) -> None:
    await proxy.serve(proxy.ProxySpec.model_validate(spec), sockets)


async def _world(spec: dict[str, Any], sockets: list[socket.socket]) -> None:
    await world.serve(world.WorldSpec.model_validate(spec), sockets)


async def _collector(spec: dict[str, Any], sockets: list[socket.socket]) -> None:
    await collector.serve(collector.CollectorSpec.model_validate(spec), sockets[0])


ROLES: dict[str, Role] = {"service": _service, "proxy": _proxy, "world": _world, "collector": _collector}
