"""The lab's verbs: what the control API does, in plain Python."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from steersman.domain.errors import ToolError
from steersman.lab import catalogue
from steersman.lab.catalogue import LabFault
from steersman.lab.fleet import Deployment, Fleet
from steersman.lab.kit.identity import POOLS, SERVICES, Pool, Service
from steersman.lab.reconcile import Anchor, Reconciliation, read_orders, read_rows, reconcile
from steersman.lab.registry import versions
from steersman.lab.smoke import smoke_requests
from steersman.lab.wire.message import Request

Answer = dict[str, Any]
READY_EVERY_S = 0.05
NETWORK_DELAY_S = 0.12
SMOKE_ROUNDS = 5
TESTS_S = 50.0


@dataclass(slots=True)
class Controller:
    """All verbs over one fleet. Writes must be called one at a time."""

    fleet: Fleet
    rate: float
    _anchor: Anchor | None = None
    _tested: dict[str, Answer] = field(default_factory=dict)
    _world_faults: set[str] = field(default_factory=set)

    async def list_services(self) -> Answer:
        """Services, and the versions of each."""
        return {"services": {service: list(versions(service)) for service in SERVICES}}

    async def get_service(self, service: Service) -> Answer:
        """Both pools and the weights."""
        pools = {pool: await self.get_pool(service, pool) for pool in POOLS}
        return {"service": service, "weights": self.fleet.weights[service], "pools": pools}

    async def get_weights(self, service: Service) -> Answer:
        """The weights."""
        return {"exists": True, "weights": dict(self.fleet.weights[service])}

    async def get_pool(self, service: Service, pool: Pool) -> Answer:
        """What a pool is to run."""
        made = self.fleet.deployments.get((service, pool))
        return {"exists": True, "version": made.version, "digest": made.digest} if made else {"exists": False}

    async def get_endpoint(self, service: Service, pool: Pool | None) -> Answer:
        """The address of the proxy, or of a pool's process. Raises ToolError when the pool is empty."""
        ports = self.fleet.wiring.service_ports
        port = ports[service] if pool is None else self.fleet.deployment(service, pool).port
        return {"url": f"http://127.0.0.1:{port}"}

    async def get_artifact(self, service: Service, version: str) -> Answer:
        """Whether it is built; the digest of what is, or else of what would be."""
        built = self.fleet.registry.built(service, version)
        return {"exists": built is not None, "digest": built or self.fleet.registry.would_be(service, version)}

    async def get_load(self) -> Answer:
        """The rate as it was set."""
        return {"exists": True, "rate": self.rate}

    async def get_fault(self, service: Service, fault: str) -> Answer:
        """Whether it is on; what the catalogue does not have does not exist."""
        known = catalogue.find(service, fault)
        return {"exists": False} if known is None else {"exists": True, "on": self._is_on(known)}

    async def test_artifact(self, service: Service, digest: str) -> Answer:
        """Its unit tests' result; an artifact never changes, so each is tested once."""
        artifact = self.fleet.registry.fetch(digest)
        if digest not in self._tested:
            module = "steersman.lab.artifact_checks"
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, str(artifact)), stdout=asyncio.subprocess.PIPE
            )
            try:
                out, _ = await asyncio.wait_for(child.communicate(), TESTS_S)
            except TimeoutError as e:
                child.kill()
                await child.wait()
                raise ToolError(f"the tests of {service} {digest!r} did not end within {TESTS_S:g} s") from e
            if child.returncode:
                raise ToolError(f"the tests of {service} {digest!r} could not be run: exit code {child.returncode}")
            self._tested[digest] = json.loads(out)
        found = self._tested[digest]
        return {"passed": found["passed"], "tests": found["tests"]}

    async def wait_ready(self, service: Service, pool: Pool, timeout_s: float) -> Answer:
        """Polls readiness. Raises ToolError when there is none in time."""
        made, end = self.fleet.deployment(service, pool), time.monotonic() + timeout_s
        while not await self.fleet.is_ready(made):
            if time.monotonic() >= end:
                raise ToolError(f"{service}/{pool} was not ready within {timeout_s:g} s; see its log {made.instance!r}")
            await asyncio.sleep(READY_EVERY_S)
        return {"ready": True}

    async def smoke_test(self, service: Service, pool: Pool) -> Answer:
        """A few requests that change nothing, straight to the pool."""
        made = self.fleet.deployment(service, pool)
        requests = smoke_requests(service) * SMOKE_ROUNDS
        answers = [await self.fleet.ask(made, request) for request in requests]
        failures = sum(answer is None or answer.status != HTTPStatus.OK for answer in answers)
        return {"passed": failures == 0, "requests": len(requests), "failures": failures}

    async def reconcile(self) -> Answer:
        """Payments against acknowledged orders, and against the chain's head of the last time."""
        found, head = await asyncio.to_thread(self._reconcile, self._anchor)
        self._anchor = head or self._anchor
        return found.model_dump()

    async def build(self, service: Service, version: str) -> Answer:
        """Packs a version."""
        return {"digest": await asyncio.to_thread(self.fleet.registry.build, service, version)}

    async def delete_artifact(self, service: Service, version: str) -> Answer:
        """Deletes it, unless a pool runs it."""
        for made in self.fleet.deployments.values():
            if (made.service, made.version) == (service, version):
                raise ToolError(f"{service} {version} runs in pool {made.pool}; stop it first")
        self.fleet.registry.delete(service, version)
        return {"exists": False}

    async def start(self, service: Service, pool: Pool, version: str, digest: str) -> Answer:
        """Starts it in an empty pool."""
        await self.fleet.start(service, pool, version, digest)
        return await self.get_pool(service, pool)

    async def stop(self, service: Service, pool: Pool) -> Answer:
        """Empties the pool."""
        await self.fleet.stop(service, pool)
        return {"exists": False}

    async def set_weights(self, service: Service, weights: dict[str, int]) -> Answer:
        """Shares the traffic."""
        await self.fleet.set_weights(service, weights)
        return await self.get_weights(service)

    async def set_load(self, rate: float) -> Answer:
        """Sets the customers' rate."""
        await self.fleet.tell(self.fleet.wiring.world, "/load", {"rate": rate})
        self.rate = rate
        return await self.get_load()

    async def set_fault(self, service: Service, fault: str, *, on: bool) -> Answer:
        """Switches a fault. Raises ToolError for what the catalogue does not have."""
        known = catalogue.find(service, fault)
        if known is None:
            have = ", ".join(f"{fault.service} {fault.kind}" for fault in catalogue.FAULTS)
            raise ToolError(f"{service} has no fault {fault!r}; the catalogue has: {have}")
        if self._is_on(known) != on:
            await self._switch(known, on=on)
        return {"exists": True, "on": on}

    async def traffic(self) -> Answer:
        """What customers had, counted by them."""
        found = (await self.fleet.tell(self.fleet.wiring.world, "/stats", {})).document()
        assert isinstance(found, dict)
        return found

    def faults_on(self) -> list[Answer]:
        """The faults that are on now."""
        on = [fault for fault in catalogue.FAULTS if self._is_on(fault)]
        return [{"service": fault.service, "kind": fault.kind} for fault in on]

    def _is_on(self, fault: LabFault) -> bool:
        running = [made for made in self.fleet.deployments.values() if made.service == fault.service]
        match fault.seam:
            case "service":
                return any(fault.kind in made.faults for made in running)
            case "version":
                weights = self.fleet.weights[fault.service]
                return any(made.version == fault.version and weights[made.pool] for made in running)
            case "network":
                return bool(self.fleet.delays.get(fault.service))
            case "world":
                return fault.kind in self._world_faults

    async def _switch(self, fault: LabFault, *, on: bool) -> None:
        match fault.seam:
            case "service":
                for made in list(self.fleet.deployments.values()):
                    if made.service == fault.service:
                        await self._afflict(made, fault.kind, on=on)
            case "version":
                await self._release(fault.service, fault.version) if on else await self._withdraw(fault)
            case "network":
                self.fleet.delays[fault.service] = NETWORK_DELAY_S if on else 0.0
                await self.fleet.push(fault.service)
            case "world":
                await self.fleet.tell(self.fleet.wiring.world, "/fault", {"on": on})
                self._world_faults ^= {fault.kind}

    async def _afflict(self, made: Deployment, kind: str, *, on: bool) -> None:
        made.faults = made.faults | {kind} if on else made.faults - {kind}
        headers = {"authorization": f"Bearer {self.fleet.wiring.token}"}
        body = json.dumps({"fault": kind, "on": on}).encode()
        # A process that is down between two crashes takes the new set of faults at its next start.
        if kind == "crash_loop":
            made.looping = True
        answer = await self.fleet.ask(made, Request("POST", "/-/fault", headers=headers, body=body))
        if kind == "crash_loop":
            made.looping = on or answer is None
        if kind == "bad_config":
            what = f"{made.service}: configuration changed" if on else f"{made.service}: configuration changed back"
            await self.fleet.tell_change(made.service, "config", what)

    async def _release(self, service: Service, version: str) -> None:
        live, idle = self._pools(service)
        if (service, idle) in self.fleet.deployments:
            await self.fleet.stop(service, idle)
        digest = self.fleet.registry.build(service, version)
        await self.fleet.start(service, idle, version, digest)
        await self.wait_ready(service, idle, 20.0)
        await self.fleet.set_weights(service, {live: 0, idle: 100})

    async def _withdraw(self, fault: LabFault) -> None:
        live, idle = self._pools(fault.service)
        self.fleet.deployment(fault.service, idle)
        await self.fleet.set_weights(fault.service, {live: 0, idle: 100})
        await self.fleet.stop(fault.service, live)

    def _pools(self, service: Service) -> tuple[Pool, Pool]:
        weights = self.fleet.weights[service]
        return ("blue", "green") if weights["blue"] >= weights["green"] else ("green", "blue")

    def _reconcile(self, anchor: Anchor | None) -> tuple[Reconciliation, Anchor | None]:
        folder = self.fleet.wiring.folder
        orders = read_orders(folder / "orders.tsv")  # before the rows: whatever is acknowledged by then has its row
        rows = read_rows(folder / "data" / "payments.sqlite")
        head = Anchor(seq=rows[-1].seq, chain=rows[-1].chain) if rows else None
        return reconcile(orders, rows, anchor), head
