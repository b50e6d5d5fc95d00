"""Argo CD on a small server that does what the API says."""

import copy
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.ids import OperationName
from steersman.domain.ports import CallContext, Toolset
from steersman.remote.endpoint import Endpoint, open_client
from steersman.remote.exchange import Remote
from steersman.testing.clock import FakeClock
from steersman.testing.toolset_conformance import Example, ToolsetConformance
from steersman.toolsets.argocd import ArgocdToolset

WHERE = Environment(kind="argocd", name="seoul", uid="a1", url="https://argocd.test", tier="staging")
SHOP = {"name": "shop"}
HELD = (("argocd.set_automated", {**SHOP, "automated": False}),)


class Server:
    """One application `shop`, which ran r1 and runs r2."""

    def __init__(self) -> None:
        self.app: dict[str, Any] = {
            "metadata": {"name": "shop"},
            "spec": {"syncPolicy": {"automated": {"prune": True, "selfHeal": True}}},
            "status": {
                "history": [{"id": 0, "revision": "r1"}, {"id": 1, "revision": "r2"}],
                "health": {"status": "Healthy"},
                "sync": {"status": "Synced", "revision": "r2"},
                "operationState": {"phase": "Succeeded", "operation": {"sync": {"revision": "r2"}}},
            },
        }
        self.polls = 0
        self.sent: list[tuple[str, str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        path = request.url.path.removeprefix("/api/v1/applications/shop")
        if request.method != "GET":
            self.sent.append((request.method, path, body))
        match request.method, path:
            case "GET", "/api/version":
                return httpx.Response(200, json={"Version": "v3.5.1"})
            case "GET", "":
                self._go_on()
                return httpx.Response(200, json=self.app)
            case "GET", "/managed-resources":
                same = {"kind": "Service", "namespace": "shop", "name": "front", "normalizedLiveState": "{}"}
                new = {"kind": "Deployment", "namespace": "shop", "name": "front", "normalizedLiveState": '{"a":1}'}
                items = [{**same, "predictedLiveState": "{}"}, {**new, "predictedLiveState": '{"a":2}'}]
                return httpx.Response(200, json={"items": items})
            case "PATCH", "":
                self.app = merged(self.app, json.loads(body["patch"]))
                return httpx.Response(200, json=self.app)
            case "POST", "/sync":
                if self.app["spec"]["syncPolicy"].get("automated") is not None and body["revision"] != "r2":
                    return httpx.Response(400, json={"error": "Cannot sync to r3: auto-sync currently set to main"})
                return self._begin(body["revision"])
            case "POST", "/rollback":
                return self._begin(next(h["revision"] for h in self.app["status"]["history"] if h["id"] == body["id"]))
            case _:
                return httpx.Response(404, json={"error": f"{request.url.path} not found", "code": 5})

    def _begin(self, revision: str) -> httpx.Response:
        self.app["operation"] = {"sync": {"revision": revision}}
        self.polls = 0
        return httpx.Response(200, json=self.app)

    def _go_on(self) -> None:
        if "operation" in self.app:
            self.polls += 1
            self.app["status"]["operationState"] = {"phase": "Running", "operation": self.app["operation"]}
            if self.polls > 2:
                operation = self.app.pop("operation")
                phase = "Failed" if operation["sync"]["revision"] == "broken" else "Succeeded"
                self.app["status"]["operationState"] = {"phase": phase, "operation": operation, "message": "one failed"}


def merged(document: Any, patch: Any) -> Any:
    found = copy.deepcopy(document)
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name, {}), value) if isinstance(value, dict) else value
    return found


@asynccontextmanager
async def opened(server: Any) -> AsyncIterator[ArgocdToolset]:
    endpoint = Endpoint(url="https://argocd.test")
    async with open_client(endpoint, transport=httpx.MockTransport(server)) as http:
        yield ArgocdToolset(Remote.at("argocd", http, endpoint), WHERE, FakeClock(datetime.now(UTC)))


async def call(toolset: ArgocdToolset, verb: str, **arguments: Any) -> Any:
    known = {binding.operation.name: binding for binding in toolset.bindings()}
    context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=60))
    return await known[OperationName(f"argocd.{verb}")].run(arguments, context)


def refusing(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens")


class TestArgocd(ToolsetConformance):
    examples = (
        Example("argocd.set_automated", {**SHOP, "automated": False}),
        Example("argocd.sync", {**SHOP, "revision": "r3"}, before=HELD),
        Example("argocd.rollback", {**SHOP, "revision": "r1"}, before=HELD),
    )

    def opened(self) -> AbstractAsyncContextManager[Toolset]:
        return opened(Server())

    def unreachable(self) -> AbstractAsyncContextManager[Toolset]:
        return opened(refusing)


async def test_automation_comes_back_as_it_was() -> None:
    server = Server()
    async with opened(server) as toolset:
        await call(toolset, "set_automated", **SHOP, automated=False)
        assert "automated" not in server.app["spec"]["syncPolicy"]
        await call(toolset, "set_automated", **SHOP, automated=True)
    assert server.app["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}


async def test_a_sync_that_automation_forbids_says_so() -> None:
    async with opened(Server()) as toolset:
        with pytest.raises(ToolError, match="auto-sync currently set to main"):
            await call(toolset, "sync", **SHOP, revision="r3")


async def test_a_rollback_to_what_never_ran_names_the_history() -> None:
    async with opened(Server()) as toolset:
        with pytest.raises(ToolError, match="never ran 'r9'; its history is r1, r2"):
            await call(toolset, "rollback", **SHOP, revision="r9")


async def test_a_diff_names_what_would_change() -> None:
    async with opened(Server()) as toolset:
        found = await call(toolset, "diff", **SHOP)
    assert found["changes"] == [{"what": "changed", "kind": "Deployment", "namespace": "shop", "name": "front"}]


async def test_an_application_that_is_not_there_is_absent() -> None:
    async with opened(Server()) as toolset:
        assert await call(toolset, "get_application", name="nope") == {"exists": False}
