"""What runs: the services' processes in their pools, and the proxy's tables that lead to them."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from steersman.domain.errors import ToolError
from steersman.lab.collector.server import Observed
from steersman.lab.kit.identity import POOLS, SERVICES, Backend, Identity, Pool, Service, ServiceSpec
from steersman.lab.processes import Child, Processes, listen
from steersman.lab.registry import Registry
from steersman.lab.wire.client import Address, Client, PoolExhaustedError, UnreachableError
from steersman.lab.wire.message import Request, Response

LOG = logging.getLogger("labd")
OBSERVE_EVERY_S = 0.5
BACKOFF_S = (0.3, 0.6, 1.2, 2.4)


@dataclass(slots=True)
class Deployment:
    """What a pool is to run, and the process that runs it now."""

    service: Service
    pool: Pool
    version: str
    digest: str
    instance: str
    artifact: Path
    child: Child
    port: int
    faults: set[str] = field(default_factory=set)
    restarts: int = 0
    looping: bool = False
    """Whether the process may end by itself, to be started again: also one that was not reached with "no longer"."""
    stopping: bool = False

    @property
    def up(self) -> bool:
        """Whether its process lives."""
        return self.child.alive


@dataclass(frozen=True, slots=True)
class Wiring:
    """The fixed parts of a lab."""

    folder: Path
    token: str
    backend: Backend
    service_ports: dict[str, int]
    """Ports of the proxy, by service."""
    card_port: int
    proxy_admin: Client
    collector: Client
    world: Client


@dataclass(slots=True)
class Fleet:
    """Pools, weights, and how they come and go."""

    processes: Processes
    registry: Registry
    wiring: Wiring
    group: asyncio.TaskGroup
    background: list[asyncio.Task[None]]
    """What the lab cancels when it ends."""
    deployments: dict[tuple[Service, Pool], Deployment] = field(default_factory=dict)
    weights: dict[Service, dict[str, int]] = field(
        default_factory=lambda: {service: {"blue": 100, "green": 0} for service in SERVICES}
    )
    delays: dict[Service, float] = field(default_factory=dict)
    _minders: dict[tuple[Service, Pool], asyncio.Task[None]] = field(default_factory=dict)

    async def start(self, service: Service, pool: Pool, version: str, digest: str) -> Deployment:
        """Starts an artifact in an empty pool. Raises ToolError when it is not empty or the artifact is not there."""
        if (service, pool) in self.deployments:
            raise ToolError(f"{service}/{pool} is not empty: it runs {self.deployments[service, pool].version}")
        artifact = self.registry.fetch(digest)
        if self.registry.built(service, version) != digest:
            raise ToolError(f"{digest!r} is not the artifact of {service} {version!r}; build that version first")
        instance = f"{service}-{digest[7:12]}-{secrets.token_hex(3)}"
        child, port = await self._spawn(
            Identity(service=service, instance=instance, version=version, pool=pool), artifact, ()
        )
        made = Deployment(service, pool, version, digest, instance, artifact, child, port)
        self.deployments[service, pool] = made
        minder = self.group.create_task(self._mind(made), name=f"mind {instance}")
        self._minders[service, pool] = minder
        self.background.append(minder)
        await self.push(service)
        await self.tell_change(service, "deploy", f"{service} {version} started in pool {pool}")
        return made

    async def stop(self, service: Service, pool: Pool) -> None:
        """Empties a pool. Raises ToolError while it takes traffic or when nothing runs in it."""
        made = self.deployment(service, pool)
        if self.weights[service][pool]:
            raise ToolError(f"{service}/{pool} takes {self.weights[service][pool]} % of the traffic; shift that first")
        made.stopping = True
        self._minders.pop((service, pool)).cancel()
        await made.child.stop()
        del self.deployments[service, pool]
        await self.push(service)
        await self.tell_change(service, "deploy", f"{service} {made.version} stopped in pool {pool}")

    async def set_weights(self, service: Service, weights: dict[str, int]) -> None:
        """Shares the traffic. Raises ToolError when the shares are no 100 % or lead to an empty pool."""
        if sum(weights.values()) != 100:  # noqa: PLR2004 - percent
            raise ToolError(f"weights of {service} are percent and make 100 together, not {sum(weights.values())}")
        for pool in POOLS:
            if weights[pool] and (service, pool) not in self.deployments:
                raise ToolError(f"nothing runs in {service}/{pool}; start something there before it takes traffic")
        if weights == self.weights[service]:
            return
        self.weights[service] = dict(weights)
        await self.push(service)
        await self.tell_change(service, "traffic", f"{service}: blue {weights['blue']} %, green {weights['green']} %")

    def deployment(self, service: Service, pool: Pool) -> Deployment:
        """What a pool is to run. Raises ToolError when it is empty."""
        made = self.deployments.get((service, pool))
        if made is None:
            raise ToolError(f"nothing runs in {service}/{pool}")
        return made

    async def ask(self, made: Deployment, request: Request, timeout_s: float = 2.0) -> Response | None:
        """The answer of a pool's process itself, past the proxy; None when it gives none."""
        client = Client(Address("127.0.0.1", made.port), limit=2)
        try:
            return await client.send(request, timeout_s)
        except (UnreachableError, PoolExhaustedError, TimeoutError):
            return None
        finally:
            client.close()

    async def is_ready(self, made: Deployment) -> bool:
        """Whether its readiness probe answers."""
        response = await self.ask(made, Request("GET", "/-/ready"), 0.5)
        return response is not None and response.status == HTTPStatus.OK

    async def push(self, service: Service) -> None:
        """Makes the proxy route as the fleet says."""
        upstreams = {
            pool: {"port": made.port, "instance": made.instance, "version": made.version}
            for (name, pool), made in self.deployments.items()
            if name == service
        }
        table = {"weights": self.weights[service], "upstreams": upstreams, "delay_s": self.delays.get(service, 0.0)}
        await self.tell(self.wiring.proxy_admin, "/routes", {service: table})

    async def tell(self, client: Client, path: str, document: object) -> Response:
        """Posts to one of the lab's own processes. Raises ToolError when it does not take it."""
        headers = {"authorization": f"Bearer {self.wiring.token}"}
        try:
            response = await client.send(Request("POST", path, headers=headers, body=json.dumps(document).encode()))
        except (UnreachableError, PoolExhaustedError, TimeoutError) as e:
            raise ToolError(f"a process of the lab does not answer ({e}); `steer lab down`, then up again") from e
        if response.status != HTTPStatus.OK:
            raise ToolError(f"a process of the lab refused {path}: {response.status} {response.body!r}")
        return response

    async def tell_change(self, service: str, kind: str, what: str) -> None:
        """Lets telemetry know what was done, as a deployment tool would."""
        LOG.info("change: %s", what)
        await self._observed(Observed(changes=((time.time_ns(), service, kind, what),)))

    async def observe(self) -> None:
        """Tells telemetry of processes that are up and of restarts, again and again, as an orchestrator would."""
        while True:
            await self._observed(Observed(points=tuple(self._points(time.time_ns()))))
            await asyncio.sleep(OBSERVE_EVERY_S)

    def _points(self, now: int) -> list[tuple[int, str, str, str, str, str, float]]:
        points: list[tuple[int, str, str, str, str, str, float]] = []
        for made in self.deployments.values():
            who = (made.service, made.instance, made.version, made.pool)
            points.append((now, "up", *who, float(made.up)))
            points.append((now, "container.restarts", *who, float(made.restarts)))
        return points

    async def _observed(self, seen: Observed) -> None:
        headers = {"authorization": f"Bearer {self.wiring.backend.token}"}
        request = Request("POST", "/observed", headers=headers, body=seen.model_dump_json().encode())
        try:
            await self.wiring.collector.send(request)
        except (UnreachableError, TimeoutError) as e:
            LOG.warning("the collector does not answer: %s", e)

    async def _spawn(self, identity: Identity, artifact: Path, faults: tuple[str, ...]) -> tuple[Child, int]:
        listening, port = listen()
        wiring = self.wiring
        spec = ServiceSpec(
            identity=identity,
            backend=wiring.backend,
            artifact=str(artifact),
            data_folder=str(wiring.folder / "data"),
            routes={**wiring.service_ports, "card-network": wiring.card_port},
            admin_token=wiring.token,
            faults=faults,
        )
        log = wiring.folder / "logs" / f"{identity.instance}.log"
        return await self.processes.spawn("service", spec, log=log, sockets=[listening]), port

    async def _mind(self, made: Deployment) -> None:
        """Starts a crash-looping process again as a kubelet would; any other that ends stays down."""
        while True:
            code = await asyncio.shield(made.child.ended)
            if made.stopping:
                return
            LOG.warning("%s ended with %d", made.instance, code)
            if not made.looping:
                await self.tell_change(made.service, "other", f"{made.instance} ended with exit code {code}")
                return
            await asyncio.sleep(BACKOFF_S[min(made.restarts, len(BACKOFF_S) - 1)])
            identity = Identity(service=made.service, instance=made.instance, version=made.version, pool=made.pool)
            made.child, made.port = await self._spawn(identity, made.artifact, tuple(made.faults))
            made.restarts += 1
            made.looping = "crash_loop" in made.faults
            await self.push(made.service)
            await self.tell_change(made.service, "restart", f"{made.instance} restarted (exit code {code})")
