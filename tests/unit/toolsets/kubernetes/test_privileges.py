"""What is granted is what is used: no more, no less."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from tests.unit.toolsets.kubernetes.shop import api_of, plain
from tests.unit.toolsets.kubernetes.test_argo_rollouts import TestArgoRollouts as Rollouts
from tests.unit.toolsets.kubernetes.test_argo_rollouts import rollouts
from tests.unit.toolsets.kubernetes.test_conformance import TestKubernetes as Kubernetes

from steersman.app.privileges import manifest
from steersman.domain.errors import ToolError
from steersman.domain.ports import Binding, CallContext
from steersman.domain.privilege import Privilege
from steersman.remote.kubernetes.api import Api
from steersman.remote.kubernetes.identity import Identity
from steersman.testing.clock import FakeClock
from steersman.testing.kubernetes import ADMIN_TOKEN, Cluster, service_account
from steersman.testing.toolset_conformance import Example
from steersman.toolsets import argo_rollouts, gateway, kubernetes
from steersman.toolsets.kubernetes.privileges import ANY_KIND, IDENTITY, NEEDS

TOKEN = "steersman-token"
FRONT = {"namespace": "shop", "name": "front"}
WEB = {"namespace": "shop", "name": "web"}
OF_FRONT = [
    "get_deployment",
    "watch_deployment",
    "rollout_status",
    "pods",
    "logs",
    "events",
    "rollout_history",
    "get_template",
    "get_autoscaler",
    "get_disruption_budget",
    "get_service",
]
OF_WEB = ["get_rollout", "watch_rollout", "get_live", "get_abort", "get_tree", "analysis_runs"]
READS = (
    *(Example(f"kubernetes.{verb}", FRONT) for verb in OF_FRONT),
    *(Example(f"argo_rollouts.{verb}", WEB) for verb in OF_WEB),
    Example("kubernetes.get_config", {"namespace": "shop", "name": "front-config"}),
    Example("kubernetes.list_deployments", {"namespace": "shop"}),
    Example("kubernetes.ailing_pods", {"namespace": "shop"}),
    Example("kubernetes.warnings", {"namespace": "shop"}),
    Example("kubernetes.get_quota", {"namespace": "shop"}),
    Example("kubernetes.get_node", {"name": "node-1"}),
    Example("kubernetes.list_nodes", {}),
    Example("kubernetes.get_cron_job", {"namespace": "shop", "name": "report"}),
    Example("kubernetes.get_job", {"namespace": "shop", "name": "report"}),
    Example("kubernetes.get_control_plane", {"name": "seoul"}),
    Example("kubernetes.watch_control_plane", {"name": "seoul"}),
    Example("argo_rollouts.list_rollouts", {"namespace": "shop"}),
    Example("gateway.get_route", {"service": "cart"}),
)
ROUTED = Example("gateway.set_weights", {"service": "cart", "weights": {"blue": 50, "green": 50}})
EXAMPLES = (*READS, *Kubernetes.examples, *Rollouts.examples, ROUTED)
SECRET = Example("kubernetes.get_secret", {"namespace": "shop", "name": "front-db"})


def bindings(api: Api) -> dict[str, Binding]:
    clock, identity = FakeClock(datetime.now(UTC)), Identity(api, "double", "staging")
    toolsets = (
        kubernetes.KubernetesToolset(api, clock, identity),
        argo_rollouts.ArgoRolloutsToolset(api, clock, identity),
        gateway.GatewayToolset(api, identity, "shop"),
    )
    return {binding.operation.name: binding for toolset in toolsets for binding in toolset.bindings()}


async def call(api: Api, name: str, arguments: Any) -> Any:
    context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=900))
    return await bindings(api)[name].run(arguments, context)


@asynccontextmanager
async def prepared(example: Example) -> AsyncIterator[Cluster]:
    cluster = rollouts()
    backends = [{"name": "cart", "weight": 100}, {"name": "cart-green", "weight": 0}]
    spec = {"rules": [{"backendRefs": backends}]}
    cluster.make(plain("gateway.networking.k8s.io/v1", "HTTPRoute", "cart", spec=spec))
    async with api_of(cluster, token=ADMIN_TOKEN) as admin:
        for name, arguments in example.before:
            await call(admin, name, arguments)
    cluster.give(TOKEN, service_account("steersman", "steersman"))
    cluster.access.used.clear()
    yield cluster


def used(cluster: Cluster) -> set[tuple[str, str, str]]:
    return {(a.verb, a.group, a.resource) for who, a in cluster.access.used if who.endswith(":steersman")}


def install(cluster: Cluster, text: str) -> None:
    documents = [each for each in yaml.safe_load_all(text) if each]
    cluster.make(*documents)


def test_every_operation_says_what_it_needs() -> None:
    known = {each.name for each in (*kubernetes.OPERATIONS, *argo_rollouts.OPERATIONS, *gateway.OPERATIONS)}
    assert known - ANY_KIND == set(NEEDS)


async def test_each_call_uses_exactly_what_its_operation_declares() -> None:
    declared: dict[str, set[tuple[str, str, str]]] = {}
    seen: dict[str, set[tuple[str, str, str]]] = {}
    for example in EXAMPLES:
        name = example.operation
        declared[name] = {(p.verb, p.group, p.resource) for p in NEEDS[name]}
        async with prepared(example) as cluster:
            install(cluster, manifest(namespaces=["shop"], grants="write"))
            async with api_of(cluster, token=TOKEN) as api:
                await call(api, name, example.arguments)
            seen.setdefault(name, set()).update(used(cluster))
    beyond = {name: found - declared[name] for name, found in seen.items() if found - declared[name]}
    assert not beyond, f"used and not declared: {beyond}"
    idle = {name: declared[name] - found for name, found in seen.items() if declared[name] - found}
    # A watch is for what is still under way, and a Rollout is looked for only where there is no Deployment.
    unexplained = {(n, verb, kind) for n, rest in idle.items() for verb, _, kind in rest if verb != "watch"}
    assert {each for each in unexplained if each[2] != "rollouts"} == set()


async def test_the_shipped_manifest_reads_everything_and_writes_nothing() -> None:
    for example in READS:
        async with prepared(example) as cluster:
            install(cluster, manifest(namespaces=["shop"]))
            async with api_of(cluster, token=TOKEN) as api:
                await call(api, example.operation, example.arguments)
    for example in (*Kubernetes.examples, *Rollouts.examples, ROUTED, SECRET):
        async with prepared(example) as cluster:
            install(cluster, manifest(namespaces=["shop"]))
            before = cluster.store.version
            async with api_of(cluster, token=TOKEN) as api:
                with pytest.raises(ToolError, match="doctor --privileges"):
                    await call(api, example.operation, example.arguments)
            asked = zip(cluster.asked, cluster.replies, strict=True)
            mine = [(ask, code) for ask, code in asked if ask.headers.get("authorization") == f"Bearer {TOKEN}"]
            writes = [(ask.method, ask.path) for ask, code in mine if ask.method != "GET" and code < 300]
            assert not writes, f"{example.operation} changed something at version {before}"


def test_the_manifest_grants_no_wildcard_and_no_verb_that_nobody_declares() -> None:
    documents = [each for each in yaml.safe_load_all(manifest(namespaces=["shop"], grants="write")) if each]
    granted = {
        (verb, group, resource)
        for each in documents
        for rule in each.get("rules", [])
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    wanted = {(p.verb, p.group, p.resource) for needs in (*NEEDS.values(), IDENTITY) for p in needs}
    assert granted == wanted
    assert not any("*" in part for each in granted for part in each)


def test_reading_needs_no_secret() -> None:
    assert "secrets" not in manifest(namespaces=["shop"])


def test_a_privilege_reads_as_people_say_it() -> None:
    assert str(Privilege(group="apps", resource="deployments", verb="patch")) == "patch deployments.apps"
