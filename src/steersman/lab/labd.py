"""The controller's process: brings a lab up, keeps it, takes it down with everything in it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import shutil
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from steersman.lab.api import Api
from steersman.lab.controller import Answer, Controller
from steersman.lab.fleet import Fleet, Wiring
from steersman.lab.kit.identity import SERVICES
from steersman.lab.lifeline import watch
from steersman.lab.options import Options
from steersman.lab.processes import Child, Processes, listen
from steersman.lab.registry import FIRST, Registry
from steersman.lab.roles import ROLES
from steersman.lab.state import LabFolder, LabInfo
from steersman.lab.surroundings import Tokens, surround
from steersman.lab.wire.server import Server
from steersman.lab.zygote import Zygote, fork

LOG = logging.getLogger("labd")


@dataclass(slots=True)
class Lab:
    """A lab from its start to its end."""

    options: Options
    folder: LabFolder
    zygote: Zygote
    uid: str = field(default_factory=lambda: f"lab-{secrets.token_hex(8)}")
    tokens: Tokens = field(default_factory=Tokens.make)
    children: dict[str, Child] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    background: list[asyncio.Task[None]] = field(default_factory=list)
    kept: bool = False

    async def live(self) -> None:
        """Comes up, answers until it is told to stop, and leaves nothing behind."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        if not self.options.keep:
            watch(sys.stdin.fileno(), self._parent_ended)
        processes = Processes(self.zygote.control)
        processes.attach()
        try:
            async with asyncio.TaskGroup() as group:
                server = await self._come_up(processes, group)
                await self.stopping.wait()
                LOG.info("stopping")
                await server.close(drain_s=0.5)
                for task in self.background:
                    task.cancel()
                self.background.clear()
        finally:
            self.folder.info_file.unlink(missing_ok=True)
            await processes.close(patience_s=1.0)

    async def _come_up(self, processes: Processes, group: asyncio.TaskGroup) -> Server:
        folder = self.folder.path
        registry = Registry(folder / "registry")
        digests = {service: registry.build(service, FIRST) for service in SERVICES}
        around = await surround(processes, folder, self.tokens, seed=self.options.seed)
        self.children |= around.children
        fleet = Fleet(processes, registry, around.wiring, group, self.background)
        async with asyncio.TaskGroup() as starting:
            for service in SERVICES:
                starting.create_task(fleet.start(service, "blue", FIRST, digests[service]))
        controller = Controller(fleet, self.options.rate)
        for service in SERVICES:
            await controller.wait_ready(service, "blue", 20.0)
        await fleet.tell(around.wiring.world, "/load", {"rate": self.options.rate})
        self.background.append(group.create_task(fleet.observe(), name="observe"))
        listening, port = listen()
        info = self._info(port, around.wiring)
        server = Server(Api(controller, self.tokens.control, self._more(info, controller)).handle)
        await server.start(listening)
        self.folder.write(info)
        LOG.info("up: %s", info)
        return server

    def _info(self, port: int, wiring: Wiring) -> LabInfo:
        return LabInfo(
            name=self.options.name,
            uid=self.uid,
            url=f"http://127.0.0.1:{port}",
            token=self.tokens.control,
            collector_url=f"http://127.0.0.1:{wiring.backend.port}",
            collector_token=self.tokens.telemetry,
            shop_url=f"http://127.0.0.1:{wiring.service_ports['front']}",
            folder=str(self.folder.path),
            pid=os.getpid(),
            started_at=datetime.now(UTC),
        )

    def _more(self, info: LabInfo, controller: Controller) -> dict[str, Any]:
        async def environment() -> Answer:
            return info.environment.model_dump()

        async def status() -> Answer:
            return await self._status(info, controller)

        async def keep() -> Answer:
            self.kept = True
            return {"kept": True}

        async def shutdown() -> Answer:
            self.stopping.set()
            return {"stopping": True}

        return {"environment": environment, "status": status, "keep": keep, "shutdown": shutdown}

    async def _status(self, info: LabInfo, controller: Controller) -> Answer:
        fleet = controller.fleet
        pools = [
            {
                "service": made.service,
                "pool": made.pool,
                "version": made.version,
                "digest": made.digest,
                "instance": made.instance,
                "pid": made.child.pid,
                "up": made.up,
                "restarts": made.restarts,
                "weight": fleet.weights[made.service][made.pool],
            }
            for made in fleet.deployments.values()
        ]
        return {
            "name": info.name,
            "uid": info.uid,
            "url": info.url,
            "metrics_url": f"{info.collector_url}/metrics",
            "shop_url": info.shop_url,
            "started_at": info.started_at.isoformat(),
            "rate": controller.rate,
            "pools": pools,
            "faults": controller.faults_on(),
            "processes": {"labd": os.getpid(), **{name: child.pid for name, child in self.children.items()}},
            "traffic": await controller.traffic(),
        }

    def _parent_ended(self) -> None:
        if not self.kept:
            self.stopping.set()


def main() -> None:
    """Runs one lab. Exits with 3 when a lab of that name is up already."""
    parser = argparse.ArgumentParser(prog="labd")
    parser.add_argument("options", type=Options.model_validate_json)
    options = parser.parse_args().options
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    folder = LabFolder.of(options.home, options.name)
    folder.create()
    lock = folder.lock()
    if lock is None:
        raise SystemExit(3)
    _clean(folder.path)
    zygote = fork(ROLES, log=folder.path / "logs" / "zygote.log", close=(lock,))
    asyncio.run(Lab(options, folder, zygote).live())


def _clean(folder: Path) -> None:
    """Starts from nothing: what an earlier lab of this name left is another environment's."""
    for name in ("data", "logs", "registry"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for name in ("lab.json", "orders.tsv", "telemetry.sqlite"):
        (folder / name).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
