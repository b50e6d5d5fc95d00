"""Dashboards by Grafana's newer API: found by discovery, written with the resource version that was read."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tests.unit.toolsets.calling import call_on
from tests.unit.toolsets.every_client import ENDPOINT
from tests.unit.toolsets.replaying import remote_of

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.remote.endpoint import identity
from steersman.toolsets.grafana import GrafanaClient, GrafanaToolset
from steersman.toolsets.grafana.stored import Choice

GROUP = "/apis/dashboard.grafana.app"
MODEL: JsonObject = {"title": "Payments", "panels": [{"id": 1, "type": "timeseries"}]}
BOARD: JsonObject = {"uid": "payments-1", "folder_uid": "team", "model": MODEL}
UID: JsonObject = {"uid": "payments-1"}


@dataclass
class Fake:
    """Strict: keeps objects as Kubernetes' API machinery does, refuses an update without the version it has."""

    served: tuple[str, ...] = ("v1", "v1beta1", "v2beta1")
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)
    failed: bool = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if path == GROUP:
            found = [{"groupVersion": f"dashboard.grafana.app/{v}", "version": v} for v in self.served]
            return httpx.Response(200, json={"kind": "APIGroup", "name": "dashboard.grafana.app", "versions": found})
        base, _, name = path.partition("/dashboards")
        if base not in {f"{GROUP}/{v}/namespaces/org-2" for v in self.served}:
            return httpx.Response(404, json={"kind": "Status", "status": "Failure", "message": "not found"})
        return self.board(request, name.removeprefix("/"))

    def board(self, request: httpx.Request, name: str) -> httpx.Response:
        if request.method == "POST":
            return self.put(json.loads(request.content), new=True)
        if name not in self.kept:
            return httpx.Response(404, json={"kind": "Status", "reason": "NotFound", "code": 404})
        if request.method == "PUT":
            return self.put(json.loads(request.content), new=False)
        if request.method == "DELETE":
            del self.kept[name]
            return httpx.Response(200, json={"kind": "Status", "status": "Success"})
        status = {"conversion": {"failed": self.failed, "storedVersion": "v2beta1"}}
        return httpx.Response(200, json={**self.kept[name], "status": status})

    def put(self, body: dict[str, Any], *, new: bool) -> httpx.Response:
        assert body["kind"] == "Dashboard"
        assert body["metadata"]["namespace"] == "org-2"
        name, former = body["metadata"]["name"], self.kept.get(body["metadata"]["name"])
        if new == (former is not None):
            return httpx.Response(409, json={"kind": "Status", "message": "already exists", "code": 409})
        if former and body["metadata"].get("resourceVersion") != former["metadata"]["resourceVersion"]:
            return httpx.Response(409, json={"kind": "Status", "message": "the object has been modified", "code": 409})
        count = former["metadata"]["generation"] + 1 if former else 1
        metadata = {**body["metadata"], "generation": count, "resourceVersion": f"17587774514284{count}"}
        self.kept[name] = {**body, "metadata": metadata}
        return httpx.Response(201 if new else 200, json=self.kept[name])


def toolset(fake: Fake, api: Choice = "auto") -> GrafanaToolset:
    client = GrafanaClient(remote_of(fake, "grafana"), api=api, namespace="org-2")
    return GrafanaToolset(client, identity("grafana", "test", "lab", endpoint=ENDPOINT))


@pytest.mark.parametrize("api", ["auto", "apis"])
async def test_a_dashboard_is_made_seen_changed_and_deleted(api: Choice) -> None:
    fake = Fake()
    tools = toolset(fake, api)
    assert await call_on(tools, "get_dashboard", UID) == {"exists": False}
    await call_on(tools, "create_dashboard", BOARD)
    seen = await call_on(tools, "get_dashboard", UID)
    assert seen == {"exists": True, "folder_uid": "team", "model": MODEL}
    changed = {**BOARD, "model": {**MODEL, "title": "Payments 2"}, "folder_uid": ""}
    assert (await call_on(tools, "update_dashboard", changed, before=seen))["version"] == 2
    assert (await call_on(tools, "get_dashboard", UID))["folder_uid"] == ""
    assert await call_on(tools, "delete_dashboard", UID) == {"deleted": True}
    assert await call_on(tools, "delete_dashboard", UID) == {"deleted": False}
    assert sum(request.url.path == GROUP for request in fake.asked) == 1
    assert {r.url.path.split("/")[3] for r in fake.asked if r.url.path != GROUP} == {"v1"}


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten() -> None:
    fake = Fake()
    tools = toolset(fake)
    await call_on(tools, "create_dashboard", BOARD)
    seen = await call_on(tools, "get_dashboard", UID)
    fake.kept["payments-1"]["spec"] = {"title": "Theirs"}
    with pytest.raises(ToolError, match="changed meanwhile"):
        await call_on(tools, "update_dashboard", {**BOARD, "model": {"title": "Mine"}}, before=seen)
    assert fake.kept["payments-1"]["spec"] == {"title": "Theirs"}


async def test_a_write_that_lost_the_race_is_refused_by_the_server() -> None:
    fake = Fake()
    tools = toolset(fake)
    await call_on(tools, "create_dashboard", BOARD)
    stored = await tools.client.boards.get("payments-1")
    fake.kept["payments-1"]["metadata"]["resourceVersion"] = "99"
    new = BOARD | {"model": {"title": "Mine"}}
    from steersman.toolsets.grafana.facts import Dashboard

    with pytest.raises(ToolError, match="modified"):
        await tools.client.boards.store(Dashboard.model_validate(new), stored)


async def test_a_dashboard_that_does_not_fit_the_older_model_is_refused() -> None:
    fake = Fake()
    tools = toolset(fake)
    await call_on(tools, "create_dashboard", BOARD)
    fake.failed = True
    with pytest.raises(ToolError, match="v2beta1"):
        await call_on(tools, "get_dashboard", UID)


async def test_a_beta_is_used_only_when_asked_for() -> None:
    fake = Fake(served=("v1beta1",))
    assert await toolset(fake).client.boards.version() == ""
    assert await toolset(fake, "apis").client.boards.version() == "v1beta1"
    with pytest.raises(ToolError, match="legacy"):
        await toolset(Fake(served=("v2",)), "apis").client.boards.version()
    quiet = Fake()
    assert await toolset(quiet, "legacy").client.boards.version() == ""
    assert quiet.asked == []
