"""The lab: real processes, a weighted proxy, customers."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from benchmarks.hands.proxy import proxied
from benchmarks.hands.scene import Edit, Line, Scene, System
from pydantic import JsonValue
from tests.integration.lab.calling import Caller
from tests.integration.lab.test_conformance import Afresh, examples_of, put_back

from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.lab.control import down, up
from steersman.toolsets.lab import LabToolset


class Lab(System):
    """The shop of the lab: real processes, a weighted proxy, customers."""

    name = "lab"
    stands_on = "the lab (real processes)"
    alone = True
    slow = True

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """A lab of its own."""
        with tempfile.TemporaryDirectory() as folder:
            started = await asyncio.to_thread(up, Path(folder), "undo", rate=25, keep=False, seed=7)
            self.info = started.info
            try:
                yield
            finally:
                await asyncio.to_thread(down, Path(folder), "undo")
                assert started.process is not None
                await asyncio.to_thread(started.process.communicate, timeout=20)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """All traffic to blue, nothing in green."""
        line = Line()
        port = int(self.info.url.rpartition(":")[2])
        async with proxied(port, lab_write, line) as way, self._client(self.info.url) as past:
            direct = Caller(LabToolset(past))
            digest = str((await direct.raw("get_artifact", {"service": "checkout", "version": "v1"}))["digest"])
            await put_back(direct, digest)

            async def truth() -> JsonValue:
                return await put_up(past)

            async with self._client(f"http://127.0.0.1:{way}") as http:
                toolset = Afresh(LabToolset(http), secrets.token_hex(4))
                examples = examples_of(digest)
                others, noise = partial(moved, direct), partial(around, direct)
                yield Scene(toolset, truth, others, noise, line, examples=examples)

    def _client(self, url: str) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.info.token}"}
        return httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=60)


LAB_WRITES = tuple(f"/v1/{verb}".encode() for verb in ("set_", "start", "stop", "build", "delete_artifact"))


def lab_write(data: bytes) -> str:
    """The request line of a verb that changes something; the lab is asked by POST for everything."""
    line = data.split(b"\r\n", 1)[0]
    return line.decode("latin-1") if line.startswith(b"POST ") and line.split(b" ")[1].startswith(LAB_WRITES) else ""


def moved(direct: Caller, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
    """Another operator of the lab."""

    def does(verb: str, **given: Any) -> Edit:
        return Edit(verb, partial(direct.raw, verb, given))

    match operation.name.partition(".")[2]:
        case "set_weights":
            return [does("set_weights", service=arguments["service"], weights={"blue": 90, "green": 10})]
        case "set_load":
            return [does("set_load", rate=77)]
        case "set_fault":
            return [does("set_fault", service=arguments["service"], fault=arguments["fault"], on=True)]
        case "build":
            return [does("build", service=arguments["service"], version=arguments["version"])]
        case "delete_artifact":
            return [does("delete_artifact", service=arguments["service"], version=arguments["version"])]
        case _:
            return [Edit("start or stop", partial(turned, direct, arguments))]


async def turned(direct: Caller, arguments: JsonObject) -> None:
    """Starts a pool that is empty, and stops one that is not."""
    place = {name: arguments[name] for name in ("service", "pool")}
    if (await direct.raw("get_pool", place))["exists"]:
        await direct.raw("stop", place)
        return
    artifact = await direct.raw("get_artifact", {"service": arguments["service"], "version": "v1"})
    await direct.raw("start", {**place, "version": "v1", "digest": artifact["digest"]})


def around(direct: Caller, operation: Operation, _: JsonObject) -> Sequence[Edit]:
    """What happens to other services."""
    found = [Edit("a fault elsewhere", partial(direct.raw, "set_fault",
                                               {"service": "front", "fault": "bad_config", "on": False}))]  # fmt: skip
    if operation.name != "lab.set_load":
        found.append(Edit("more load", partial(direct.raw, "set_load", {"rate": 30})))
    return found


async def put_up(past: httpx.AsyncClient) -> JsonValue:
    """What the lab was told to run, asked from its controller."""

    async def ask(verb: str, **arguments: Any) -> JsonValue:
        answer = await past.post(f"/v1/{verb}", json={"arguments": arguments})
        answer.raise_for_status()
        found: JsonValue = answer.json()
        return found

    services = {name: await ask("get_service", service=name) for name in ("front", "catalog", "checkout", "payments")}
    built = {
        f"{name} {version}": (await ask("get_artifact", service=name, version=version))
        for name in services
        for version in ("v1", "v2")
    }
    fault = await ask("get_fault", service="catalog", fault="network_delay")
    return {"services": services, "built": built, "load": await ask("get_load"), "fault": fault}
