"""The conformance suite of all toolsets, on a real lab that is put back to its first state each time."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from tests.integration.lab.calling import Caller

from steersman.domain.environment import Environment
from steersman.domain.fact import JsonObject
from steersman.domain.ports import Binding, CallContext
from steersman.lab.state import LabInfo
from steersman.testing.toolset_conformance import Example, ToolsetConformance
from steersman.toolsets.lab import LabToolset

SERVICES = ("front", "catalog", "checkout", "payments")


@dataclass(frozen=True, slots=True)
class Afresh:
    """A lab remembers keys for good, and the suite begins with the same ones each time: they get a prefix."""

    inner: LabToolset
    prefix: str
    name: str = "lab"

    async def environment(self) -> Environment:
        return await self.inner.environment()

    def bindings(self) -> Sequence[Binding]:
        def prefixed(binding: Binding) -> Binding:
            async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
                return await binding.run(arguments, replace(context, key=f"{self.prefix}/{context.key}"))

            return Binding(binding.operation, run)

        return [prefixed(binding) for binding in self.inner.bindings()]


async def put_back(caller: Caller, digest: str) -> None:
    """All traffic to blue, nothing in green, only v1 built, no fault, the load of the fixture."""
    for service in SERVICES:
        await caller.raw("set_weights", {"service": service, "weights": {"blue": 100, "green": 0}})
        if (await caller.raw("get_pool", {"service": service, "pool": "green"}))["exists"]:
            await caller.raw("stop", {"service": service, "pool": "green"})
    if (await caller.raw("get_artifact", {"service": "payments", "version": "v2"}))["exists"]:
        await caller.raw("delete_artifact", {"service": "payments", "version": "v2"})
    await caller.raw("set_fault", {"service": "catalog", "fault": "network_delay", "on": False})
    await caller.raw("set_load", {"rate": 25})
    assert digest == (await caller.raw("get_artifact", {"service": "checkout", "version": "v1"}))["digest"]


def examples_of(digest: str) -> Sequence[Example]:
    """One for each write; `digest` is that of the built checkout v1."""
    start = {"service": "checkout", "pool": "green", "version": "v1", "digest": digest}
    built = (("lab.build", {"service": "payments", "version": "v2"}),)
    return (
        Example("lab.build", {"service": "payments", "version": "v2"}),
        Example("lab.delete_artifact", {"service": "payments", "version": "v2"}, before=built),
        Example("lab.start", start),
        Example("lab.stop", {"service": "checkout", "pool": "green"}, before=(("lab.start", start),)),
        Example(
            "lab.set_weights",
            {"service": "checkout", "weights": {"blue": 60, "green": 40}},
            before=(("lab.start", start), ("lab.wait_ready", {"service": "checkout", "pool": "green"})),
        ),
        Example("lab.set_fault", {"service": "catalog", "fault": "network_delay", "on": True}),
        Example("lab.set_load", {"rate": 40}),
    )


class TestLab(ToolsetConformance):
    @pytest.fixture(autouse=True)
    async def _on_a_lab(self, lab: LabInfo, toolset: LabToolset) -> AsyncIterator[None]:
        artifact = await Caller(toolset).raw("get_artifact", {"service": "checkout", "version": "v1"})
        self.lab, self.digest = lab, str(artifact["digest"])
        self.examples = examples_of(self.digest)
        yield
        await put_back(Caller(toolset), self.digest)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Afresh]:
        headers = {"authorization": f"Bearer {self.lab.token}"}
        async with httpx.AsyncClient(base_url=self.lab.url, headers=headers, trust_env=False, timeout=60) as http:
            toolset = LabToolset(http)
            await put_back(Caller(toolset), self.digest)
            yield Afresh(toolset, secrets.token_hex(4))

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[LabToolset]:
        async with httpx.AsyncClient(base_url="http://127.0.0.1:9", trust_env=False) as http:
            yield LabToolset(http)
