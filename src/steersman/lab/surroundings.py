"""What stands around the services: the collector, the proxy, the world."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from steersman.lab.collector.server import CollectorSpec
from steersman.lab.fleet import Wiring
from steersman.lab.kit.identity import SERVICES, Backend, Identity
from steersman.lab.processes import Child, Processes, listen
from steersman.lab.proxy import ProxySpec
from steersman.lab.wire.client import Address, Client
from steersman.lab.world import WorldSpec


@dataclass(frozen=True, slots=True)
class Tokens:
    """Secrets of one lab. The shop's code never sees the control token."""

    control: str
    inner: str
    """Between the lab's own processes."""
    telemetry: str

    @classmethod
    def make(cls) -> Tokens:
        """Fresh ones."""
        return cls(*(secrets.token_urlsafe(24) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Started, and how to reach them."""

    wiring: Wiring
    children: Mapping[str, Child]


@dataclass(frozen=True, slots=True)
class _Start:
    processes: Processes
    folder: Path
    tokens: Tokens
    backend: Backend

    async def collector(self, listening: socket.socket) -> Child:
        spec = CollectorSpec(file=str(self.folder / "telemetry.sqlite"), token=self.tokens.telemetry)
        return await self.processes.spawn("collector", spec, log=self._log("collector"), sockets=[listening])

    async def proxy(self, sockets: list[socket.socket]) -> Child:
        spec = ProxySpec(
            identity=Identity(service="proxy", instance=f"proxy-{secrets.token_hex(3)}"),
            backend=self.backend,
            admin_token=self.tokens.inner,
            services=SERVICES,
        )
        return await self.processes.spawn("proxy", spec, log=self._log("proxy"), sockets=sockets)

    async def world(self, sockets: list[socket.socket], *, shop_port: int, seed: int) -> Child:
        ledger = self.folder / "orders.tsv"
        ledger.touch(0o600)
        spec = WorldSpec(shop_port=shop_port, seed=seed, ledger=str(ledger), admin_token=self.tokens.inner)
        return await self.processes.spawn("world", spec, log=self._log("world"), sockets=sockets)

    def _log(self, role: str) -> Path:
        return self.folder / "logs" / f"{role}.log"


async def surround(processes: Processes, folder: Path, tokens: Tokens, *, seed: int) -> Surroundings:
    """Starts them on free ports. Nobody comes to the shop until the world is given a rate."""
    fronts = {service: listen() for service in SERVICES}
    (collector, collector_port), (proxy, proxy_port) = listen(), listen()
    (world, world_port), (card, card_port) = listen(), listen()
    backend = Backend(port=collector_port, token=tokens.telemetry)
    ports: dict[str, int] = {service: port for service, (_, port) in fronts.items()}
    start = _Start(processes, folder, tokens, backend)
    children = {
        "collector": await start.collector(collector),
        "proxy": await start.proxy([proxy, *(made for made, _ in fronts.values())]),
        "world": await start.world([world, card], shop_port=ports["front"], seed=seed),
    }
    wiring = Wiring(
        folder,
        tokens.inner,
        backend,
        ports,
        card_port,
        proxy_admin=_client(proxy_port),
        collector=_client(collector_port),
        world=_client(world_port),
    )
    return Surroundings(wiring, children)


def _client(port: int) -> Client:
    return Client(Address("127.0.0.1", port), limit=8)
