"""A cluster with a shop in it, and toolsets on it without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx

from steersman.remote.kubernetes.access import Access
from steersman.remote.kubernetes.api import Api
from steersman.remote.kubernetes.credentials import Limits, open_http
from steersman.remote.kubernetes.identity import Identity
from steersman.testing.clock import FakeClock
from steersman.testing.kubernetes import ADMIN_TOKEN, Cluster, ClusterTransport
from steersman.toolsets.kubernetes import KubernetesToolset

NAMESPACE = "shop"


def deployment(
    name: str, image: str = "", *, replicas: int = 2, labels: dict[str, str] | None = None
) -> dict[str, Any]:
    container = {
        "name": name,
        "image": image or f"shop/{name}:v1",
        "ports": [{"containerPort": 8080}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}],
        "resources": {"limits": {"cpu": "1", "memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": labels or {"app": name}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def plain(api_version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **more}


def shop() -> Cluster:
    return _shop().fork()


@cache
def _shop() -> Cluster:
    cluster = Cluster()
    template = {"spec": {"containers": [{"name": "j", "image": "shop/report:v1"}], "restartPolicy": "Never"}}
    cluster.make(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "spec": {}},
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-2"}, "spec": {}},
        deployment("front"),
        deployment("worker"),
        plain("v1", "ConfigMap", "front-config", data={"color": "blue"}),
        plain("v1", "Secret", "front-db", stringData={"password": "hunter2-canary"}),
        plain("v1", "Service", "front", spec={"selector": {"app": "front"}, "ports": [{"port": 80}]}),
        plain("v1", "ResourceQuota", "limits", spec={"hard": {"limits.cpu": "10", "limits.memory": "10Gi"}}),
        plain(
            "batch/v1",
            "CronJob",
            "report",
            spec={"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}},
        ),
    )
    cluster.beat(12)
    return cluster


@asynccontextmanager
async def api_of(cluster: Cluster, *, token: str = ADMIN_TOKEN, transport: Any = None) -> AsyncIterator[Api]:
    from pydantic import SecretStr

    access = Access("double", "http://cluster.test", token=SecretStr(token))
    async with open_http(access, Limits(), transport=transport or ClusterTransport(cluster)) as http:
        yield Api(http, "double")


@asynccontextmanager
async def opened(
    cluster: Cluster, *, token: str = ADMIN_TOKEN, transport: Any = None
) -> AsyncIterator[KubernetesToolset]:
    async with api_of(cluster, token=token, transport=transport) as api:
        yield KubernetesToolset(api, FakeClock(datetime.now(UTC)), Identity(api, "double", "staging"))


def refusing(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens")
