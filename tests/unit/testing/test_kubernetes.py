"""The double's answers are those of the recorded API server: status, reason, words, details."""

import json
from typing import Any

import pytest
import yaml
from tests.unit.toolsets.replaying import cassette

from steersman.testing.cassette import Exchange
from steersman.testing.kubernetes import ADMIN_TOKEN, Cluster, User, service_account
from steersman.testing.kubernetes.asking import Ask

VIEWER = "viewer-token"
PREPARED = ("deployment-create",)
SAME = (
    "apply-create",
    "apply-unknown-field-strict",
    "create-unknown-field-strict",
    "create-unknown-field-warn",
    "deployment-create-exists",
    "invalid-deployment",
    "invalid-service-type",
    "malformed-json",
    "method-not-allowed",
    "patch-json-test-fails",
    "put-resourceversion-conflict",
    "resource-missing",
    "unsupported-media-type",
    "cr-strategic-merge-refused",
    "evict-missing",
    "field-selector-bad",
    "label-selector-bad",
    "pod-log-missing-pod",
    "pod-missing",
    "discovery-unknown-group",
    "hpa-v2beta2-gone",
    "namespace-terminating-create",
    "scale-put-stale",
    "patch-strategic",
)


def recorded(name: str, server: str = "kubernetes") -> Exchange:
    return cassette(server, name)


async def ask(cluster: Cluster, exchange: Exchange, token: str = ADMIN_TOKEN, media: str = "application/json") -> Any:
    headers = {"content-type": media, "user-agent": "python-httpx/0.28", "accept": "application/json"}
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    said = Ask(exchange.method, exchange.path, dict(exchange.query), headers, (exchange.body or "").encode())
    return await cluster.handle(said)


def media_of(name: str) -> str:
    path = recorded(name)
    del path
    from tests.unit.toolsets.replaying import CASSETTES

    asked = json.loads((CASSETTES / "kubernetes" / f"{name}.json").read_text())["request"]["headers"]
    return str(asked.get("content-type", "application/json"))


async def prepared() -> Cluster:
    """The shop of the recording, as far as these exchanges touch it."""
    cluster = Cluster()
    finalized = {"name": "stuck", "namespace": "doomed", "finalizers": ["example.com/hold"]}
    cluster.make(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "doomed"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": finalized},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "front-config", "namespace": "shop"},
            "data": {"x": "1"},
        },
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "front", "namespace": "shop"},
        },
    )
    assert (await ask(cluster, recorded("deployment-create"))).status == 201
    for name in ("checkout", "catalog"):
        body = json.loads(recorded("deployment-create").body or "{}")
        text = json.dumps(body).replace("front", name)
        made = Ask("POST", "/apis/apps/v1/namespaces/shop/deployments", {"fieldManager": "python-httpx"},
                   {"authorization": f"Bearer {ADMIN_TOKEN}"}, text.encode())  # fmt: skip
        assert (await cluster.handle(made)).status == 201
    cluster.beat(10)
    gone = Ask("DELETE", "/api/v1/namespaces/doomed", {}, {"authorization": f"Bearer {ADMIN_TOKEN}"})
    assert (await cluster.handle(gone)).status == 200
    return cluster


def told(document: Any) -> Any:
    """What a Status says, without what differs from run to run."""
    if not isinstance(document, dict) or document.get("kind") != "Status":
        return None
    return {name: document.get(name) for name in ("status", "message", "reason", "code", "details")}


@pytest.mark.parametrize("name", SAME)
async def test_answers_are_as_recorded(name: str) -> None:
    exchange = recorded(name)
    reply = await ask(await prepared(), exchange, media=media_of(name))
    assert reply.status == exchange.status
    if exchange.headers.get("content-type", "").startswith("text/plain"):
        assert reply.text == exchange.answer.decode()
        return
    assert told(reply.document) == told(exchange.document)
    assert reply.headers.get("warning") == exchange.headers.get("warning")


async def test_a_conflict_names_manager_and_field_as_recorded() -> None:
    cluster = await prepared()
    cluster.change("deployments.apps", "shop", "catalog", {"spec": {"replicas": 2}}, manager="python-httpx")
    reply = await ask(cluster, recorded("apply-conflict"), media=media_of("apply-conflict"))
    assert (reply.status, told(reply.document)) == (409, told(recorded("apply-conflict").document))


async def test_managed_fields_of_a_create_are_as_recorded() -> None:
    cluster = await prepared()
    found = cluster.look("deployments.apps", "shop", "front")["metadata"]["managedFields"]
    mine = next(each for each in found if each["manager"] == "steersman")
    assert mine["fieldsV1"] == recorded("deployment-create").document["metadata"]["managedFields"][0]["fieldsV1"]


async def test_an_eviction_over_the_budget_is_429_without_retry_after() -> None:
    cluster = await prepared()
    budget = {"minAvailable": 3, "selector": {"matchLabels": {"app": "front"}}}
    cluster.make(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "front", "namespace": "shop"},
            "spec": budget,
        }
    )
    pod = next(name for name in cluster.names("pods", "shop") if name.startswith("front-"))
    exchange = recorded("evict-blocked")
    body = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "shop"}})
    said = Ask(
        "POST",
        f"/api/v1/namespaces/shop/pods/{pod}/eviction",
        {},
        {"authorization": f"Bearer {ADMIN_TOKEN}"},
        body.encode(),
    )
    reply = await cluster.handle(said)
    assert (reply.status, told(reply.document)) == (429, told(exchange.document))
    assert "retry-after" not in reply.headers


async def test_who_asks_decides() -> None:
    cluster = await prepared()
    cluster.give(VIEWER, service_account("shop", "viewer"))
    for name, token in (
        ("anonymous-forbidden", ""),
        ("unauthorized-bad-token", "nope"),
        ("sa-forbidden-patch", VIEWER),
    ):
        reply = await ask(cluster, recorded(name), token, media_of(name))
        assert (reply.status, told(reply.document)) == (recorded(name).status, told(recorded(name).document)), name
    review = await ask(cluster, recorded("access-review-denied"), VIEWER)
    assert (review.status, review.document["status"]) == (201, {"allowed": False})


async def test_an_old_watch_is_a_200_with_an_error_line() -> None:
    cluster = await prepared()
    cluster.store.compact()
    reply = await ask(cluster, recorded("watch-too-old"))
    lines = [json.loads(line) async for line in reply.stream]
    wanted = json.loads(recorded("watch-too-old").answer)
    assert (reply.status, lines[0]["type"], lines[0]["object"]["code"]) == (200, "ERROR", 410)
    assert lines[0]["object"]["reason"] == wanted["object"]["reason"]


async def test_a_version_of_the_future_is_a_504_that_says_when_to_come_again() -> None:
    reply = await ask(await prepared(), recorded("get-future-resourceversion"))
    wanted = recorded("get-future-resourceversion")
    assert (reply.status, reply.headers["retry-after"]) == (504, wanted.headers["retry-after"])
    assert reply.document["details"] == wanted.document["details"]


async def test_pages_go_on_where_they_ended_and_count_what_is_left() -> None:
    cluster = await prepared()
    seen: list[str] = []
    token = ""
    while True:
        query = {"limit": "2", **({"continue": token} if token else {})}
        said = Ask("GET", "/api/v1/pods", query, {"authorization": f"Bearer {ADMIN_TOKEN}"})
        page = (await cluster.handle(said)).document
        assert page is not None
        seen += [each["metadata"]["name"] for each in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
        assert page["metadata"]["remainingItemCount"] > 0
    assert sorted(seen) == sorted(cluster.names("pods"))


async def test_a_dry_run_answers_as_the_real_thing_and_stores_nothing() -> None:
    cluster = await prepared()
    before = cluster.store.version
    body = yaml.safe_dump({"metadata": {"name": "ghost"}, "data": {"a": "1"}}).encode()
    headers = {"content-type": "application/yaml", "authorization": f"Bearer {ADMIN_TOKEN}"}
    said = Ask("POST", "/api/v1/namespaces/shop/configmaps", {"dryRun": "All"}, headers, body)
    reply = cluster._answer(said)
    assert (reply.status, cluster.store.version) == (201, before)
    assert cluster.look("configmaps", "shop", "ghost") is None


def test_a_user_is_not_an_administrator_by_his_name() -> None:
    cluster = Cluster()
    cluster.give("t", User("admin"))
    from steersman.testing.kubernetes.access import Attempt

    assert not cluster.access.allows(User("admin"), Attempt("get", "", "pods"))[0]
