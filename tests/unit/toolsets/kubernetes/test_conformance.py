"""The Kubernetes toolset keeps what every toolset promises."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
from tests.unit.toolsets.kubernetes.shop import opened, refusing, shop

from steersman.domain.ports import Toolset
from steersman.testing.toolset_conformance import Example, ToolsetConformance

FRONT = {"namespace": "shop", "name": "front"}
GREEN = {"namespace": "shop", "name": "front-green"}
STATE = {
    "image": "shop/front:v2",
    "replicas": 1,
    "cpu_limit": "1",
    "memory_limit": "64Mi",
    "environment": {"COLOR": "green"},
    "restart_token": "",
    "max_surge": "25%",
    "max_unavailable": "0",
    "like": "",
}
SCALED = {
    "namespace": "shop",
    "name": "worker",
    "signal": "queue_depth",
    "target": 100,
    "min_replicas": 1,
    "max_replicas": 9,
}
WORKER = {"namespace": "shop", "name": "worker"}
CONFIG = {"namespace": "shop", "name": "fresh", "data": {"a": "1"}}
BUDGET = {"namespace": "shop", "name": "front", "min_available": 1}
JOB = {"namespace": "shop", "name": "report-now", "cron_job": "report"}
NODE = {"name": "node-1"}
FIRST = next(name for name in shop().names("replicasets.apps", "shop") if name.startswith("front-")).removeprefix(
    "front-"
)
CORDONED = (("kubernetes.set_schedulable", {**NODE, "schedulable": False}),)


class TestKubernetes(ToolsetConformance):
    examples = (
        Example("kubernetes.apply_deployment", {**GREEN, **STATE}),
        Example("kubernetes.apply_deployment", {**GREEN, **STATE, "like": "front"}),
        Example("kubernetes.delete_deployment", GREEN, before=(("kubernetes.apply_deployment", {**GREEN, **STATE}),)),
        Example(
            "kubernetes.delete_deployment",
            GREEN,
            before=(("kubernetes.apply_deployment", {**GREEN, **STATE, "like": "front"}),),
        ),
        Example("kubernetes.set_image", {**FRONT, "image": "shop/front:v2"}),
        Example(
            "kubernetes.set_image",
            {**GREEN, "image": "shop/front:v3"},
            before=(("kubernetes.apply_deployment", {**GREEN, **STATE}),),
        ),
        Example("kubernetes.scale", {**FRONT, "replicas": 4}),
        Example("kubernetes.set_limits", {**FRONT, "cpu_limit": "2", "memory_limit": ""}),
        Example("kubernetes.set_environment", {**FRONT, "environment": {"REGION": "eu"}}),
        Example("kubernetes.set_environment", {**FRONT, "environment": {}}),
        Example("kubernetes.set_surge", {**FRONT, "max_surge": "2", "max_unavailable": "0"}),
        Example("kubernetes.restart", {**FRONT, "restart_token": "2026-11-25T20:00:00Z"}),
        Example(
            "kubernetes.undo_rollout",
            {**FRONT, "template": FIRST},
            before=(
                ("kubernetes.set_image", {**FRONT, "image": "shop/front:v2"}),
                ("kubernetes.watch_deployment", FRONT),
            ),
        ),
        Example("kubernetes.create_autoscaler", SCALED),
        Example(
            "kubernetes.delete_autoscaler",
            {**WORKER, "replicas": 3},
            before=(("kubernetes.create_autoscaler", SCALED),),
        ),
        Example(
            "kubernetes.set_autoscaler",
            {**WORKER, "target": 50, "min_replicas": 2, "max_replicas": 4},
            before=(("kubernetes.create_autoscaler", SCALED),),
        ),
        Example("kubernetes.set_schedulable", {**NODE, "schedulable": False}),
        Example("kubernetes.set_drained", {**NODE, "drained": True}, before=CORDONED),
        Example("kubernetes.set_quota", {"namespace": "shop", "cpu": "20", "memory": "4Gi"}),
        Example("kubernetes.create_config", CONFIG),
        Example(
            "kubernetes.delete_config",
            {"namespace": "shop", "name": "fresh"},
            before=(("kubernetes.create_config", CONFIG),),
        ),
        Example("kubernetes.set_config", {"namespace": "shop", "name": "front-config", "data": {"color": "green"}}),
        Example("kubernetes.create_disruption_budget", BUDGET),
        Example(
            "kubernetes.delete_disruption_budget", FRONT, before=(("kubernetes.create_disruption_budget", BUDGET),)
        ),
        Example("kubernetes.suspend_cron_job", {"namespace": "shop", "name": "report", "suspended": True}),
        Example("kubernetes.create_job", JOB),
        Example(
            "kubernetes.delete_job",
            {"namespace": "shop", "name": "report-now"},
            before=(("kubernetes.create_job", JOB),),
        ),
        Example("kubernetes.set_selector", {**FRONT, "selector": {"app": "front-green"}}),
        Example(
            "kubernetes.set_secret",
            {"namespace": "shop", "name": "front-db", "version": "7", "values": {"password": "n"}},
        ),
    )

    def opened(self) -> AbstractAsyncContextManager[Toolset]:
        return opened(shop())

    def unreachable(self) -> AbstractAsyncContextManager[Toolset]:
        @asynccontextmanager
        async def down() -> AsyncIterator[Toolset]:
            async with opened(shop(), transport=httpx.MockTransport(refusing)) as toolset:
                yield toolset

        return down()
