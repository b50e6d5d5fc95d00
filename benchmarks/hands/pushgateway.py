"""A Pushgateway: the figures of a load run as a group."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from benchmarks.hands.proxy import http_write, proxied
from benchmarks.hands.scene import Edit, Line, Scene, System
from pydantic import JsonValue
from tests.integration.data import servers
from tests.integration.toolsets.servers import running
from tests.integration.toolsets.test_load_exports import samples

from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.remote.endpoint import Endpoint, identity, open_client
from steersman.remote.exchange import Remote
from steersman.testing.toolset_conformance import Example
from steersman.toolsets.pushgateway import JOB, PushgatewayToolset

PROGRAM = "prometheus-pushgateway"
RUN: JsonObject = {"run": "nightly-1"}
PUSH: JsonObject = {**RUN, "samples": [each.model_dump(mode="json") for each in samples()]}
MADE_LATER = ("push_time_seconds", "push_failure_time_seconds")
"""What the server notes beside each group."""


class Pushgateway(System):
    """Groups of figures."""

    name = "pushgateway"
    stands_on = "Pushgateway of Debian (real)"
    alone = True
    examples = (
        Example("pushgateway.push_run", PUSH),
        Example("pushgateway.delete_run", RUN, before=(("pushgateway.push_run", PUSH),)),
    )

    def missing(self) -> str:
        """Whether the program is there."""
        there = shutil.which(PROGRAM)
        return "" if there else f"apt-get install --no-install-recommends {PROGRAM}"

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """A server of its own."""
        with tempfile.TemporaryDirectory() as folder:
            self.port = servers.free_port()
            self.url = f"http://127.0.0.1:{self.port}"
            command = [PROGRAM, f"--web.listen-address=127.0.0.1:{self.port}", "--persistence.file="]
            async with running(command, self.url, Path(folder) / "log"):
                yield

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """No group is left."""
        line = Line()
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30) as http:
            for each in await self._groups(http):
                (await http.delete(f"/metrics/job/{JOB}/run/{each['labels']['run']}")).raise_for_status()

            async def truth() -> JsonValue:
                return {json.dumps(each["labels"], sort_keys=True): figures(each) for each in await self._groups(http)}

            async with proxied(self.port, http_write, line) as way:
                endpoint = Endpoint(url=f"http://127.0.0.1:{way}")
                async with open_client(endpoint) as client:
                    where = identity("pushgateway", "real", "lab", endpoint=Endpoint(url=self.url))
                    toolset = PushgatewayToolset(Remote.at("pushgateway", client, endpoint), where)
                    yield Scene(toolset, truth, partial(self._pushed, http), partial(self._others, http), line)

    async def _groups(self, http: httpx.AsyncClient) -> list[Any]:
        answer = await http.get("/api/v1/metrics")
        answer.raise_for_status()
        return [each for each in answer.json()["data"] if "run" in each["labels"]]

    def _pushed(self, http: httpx.AsyncClient, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
        path = f"/metrics/job/{JOB}/run/{arguments['run']}"
        if operation.name.endswith("push_run"):
            return [Edit("push", partial(http.put, path, content="theirs 1\n"))]
        return [Edit("delete", partial(http.delete, path))]

    def _others(self, http: httpx.AsyncClient, _: Operation, __: JsonObject) -> Sequence[Edit]:
        return [Edit("another run", partial(http.put, f"/metrics/job/{JOB}/run/theirs", content="theirs 1\n"))]


def figures(group: Any) -> JsonValue:
    """Its series and their values, without when they came."""
    found: dict[str, JsonValue] = {
        name: [each.get("value", each.get("count")) for each in family["metrics"]]
        for name, family in group.items()
        if isinstance(family, dict) and "metrics" in family and name not in MADE_LATER
    }
    return found
