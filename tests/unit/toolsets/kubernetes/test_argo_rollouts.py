"""Rollouts driven by weight: the conformance suite, and what the controller is really told."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest
from tests.unit.toolsets.kubernetes.shop import api_of, deployment, plain, refusing, shop

from steersman.domain.errors import ToolError
from steersman.domain.ids import OperationName
from steersman.domain.ports import CallContext, Toolset
from steersman.remote.kubernetes.identity import Identity
from steersman.testing.clock import FakeClock
from steersman.testing.kubernetes import Cluster
from steersman.testing.toolset_conformance import Example, ToolsetConformance
from steersman.toolsets.argo_rollouts import ArgoRolloutsToolset

STEPS = [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": 1}}]
WEB = {"namespace": "shop", "name": "web"}
API = {"namespace": "shop", "name": "api"}
V2 = {"image": "shop/web:v2"}
STARTED = ("argo_rollouts.set_image", {**WEB, **V2})


def rollouts() -> Cluster:
    return _rollouts().fork()


@cache
def _rollouts() -> Cluster:
    cluster = shop()
    bare = deployment("web", replicas=4)["spec"]
    cluster.make(
        plain("v1", "Service", "api-active", spec={"selector": {"app": "api"}, "ports": [{"port": 80}]}),
        plain("v1", "Service", "api-preview", spec={"selector": {"app": "api"}, "ports": [{"port": 80}]}),
        plain("argoproj.io/v1alpha1", "Rollout", "web", spec={**bare, "strategy": {"canary": {"steps": STEPS}}}),
        plain("argoproj.io/v1alpha1", "Rollout", "api", spec={**deployment("api")["spec"], "strategy": {"blueGreen": {
            "activeService": "api-active", "previewService": "api-preview", "autoPromotionEnabled": False}}}),
    )  # fmt: skip
    cluster.beat(20)
    return cluster


@asynccontextmanager
async def opened(cluster: Cluster, transport: Any = None) -> AsyncIterator[ArgoRolloutsToolset]:
    async with api_of(cluster, transport=transport) as api:
        yield ArgoRolloutsToolset(api, FakeClock(datetime.now(UTC)), Identity(api, "double", "staging"))


class TestArgoRollouts(ToolsetConformance):
    examples = (
        Example("argo_rollouts.set_image", {**WEB, **V2}),
        Example("argo_rollouts.set_image", {**API, "image": "shop/api:v2"}),
        Example("argo_rollouts.set_weight", {**WEB, "weight": 50}, before=(STARTED,)),
        Example("argo_rollouts.set_weight", {**WEB, "weight": 100}, before=(STARTED,)),
        Example("argo_rollouts.set_strategy", {**API, "strategy": "canary"}),
        Example("argo_rollouts.promote", {**API, "live_image": "shop/api:v2"}, before=(
            ("argo_rollouts.set_image", {**API, "image": "shop/api:v2"}),
            ("argo_rollouts.watch_rollout", API),
        )),
        Example("argo_rollouts.roll_back", {**WEB, "image": "shop/web:v0"}),
        Example("argo_rollouts.set_aborted", {**WEB, "aborted": True}, before=(
            STARTED, ("argo_rollouts.set_weight", {**WEB, "weight": 25}),
        )),
    )  # fmt: skip

    def opened(self) -> AbstractAsyncContextManager[Toolset]:
        return opened(rollouts())

    def unreachable(self) -> AbstractAsyncContextManager[Toolset]:
        return opened(shop(), httpx.MockTransport(refusing))


class Caller:
    def __init__(self, toolset: ArgoRolloutsToolset) -> None:
        self.known = {binding.operation.name: binding for binding in toolset.bindings()}

    async def __call__(self, verb: str, **arguments: Any) -> Any:
        context = CallContext(key="k", deadline=datetime.now(UTC) + timedelta(seconds=900))
        return await self.known[OperationName(f"argo_rollouts.{verb}")].run(arguments, context)


def web(cluster: Cluster) -> Any:
    return cluster.look("rollouts.argoproj.io", "shop", "web")


async def test_a_canary_goes_by_weights_to_the_end_and_gets_its_own_steps_back() -> None:
    cluster = rollouts()
    async with opened(cluster) as toolset:
        call = Caller(toolset)
        await call("set_image", **WEB, **V2)
        assert (await call("watch_rollout", **WEB)) == {"ready": True, "phase": "Paused", "reason": "CanaryPauseStep"}
        assert "updatedReplicas" not in web(cluster)["status"]
        await call("set_weight", **WEB, weight=50)
        assert web(cluster)["status"]["updatedReplicas"] == 2
        await call("set_weight", **WEB, weight=100)
    assert web(cluster)["status"]["stableRS"] == web(cluster)["status"]["currentPodHash"]
    assert web(cluster)["spec"]["strategy"]["canary"]["steps"] == STEPS
    assert "steersman.dev/canary" not in web(cluster)["metadata"]["annotations"]
    cluster.beat(20)
    assert web(cluster)["status"]["phase"] == "Healthy"


async def test_rolling_back_in_the_middle_leaves_nothing_of_the_new_version() -> None:
    cluster = rollouts()
    before = web(cluster)["spec"]
    async with opened(cluster) as toolset:
        call = Caller(toolset)
        await call("set_image", **WEB, **V2)
        await call("set_weight", **WEB, weight=50)
        await call("roll_back", **WEB, image="shop/web:v1")
    cluster.beat(20)
    assert web(cluster)["spec"] == before
    assert web(cluster)["status"]["phase"] == "Healthy"
    images = {
        pod["spec"]["containers"][0]["image"]
        for pod in cluster.store.all("pods", "shop")
        if "web" in pod["metadata"]["name"]
    }
    assert images == {"shop/web:v1"}


async def test_rolling_back_after_the_end_skips_the_steps() -> None:
    cluster = rollouts()
    async with opened(cluster) as toolset:
        call = Caller(toolset)
        await call("set_image", **WEB, **V2)
        await call("set_weight", **WEB, weight=100)
        for weight in (50, 10, 0):
            await call("set_weight", **WEB, weight=weight)
        await call("roll_back", **WEB, image="shop/web:v1")
    assert web(cluster)["status"]["phase"] == "Healthy"
    assert web(cluster)["spec"]["strategy"]["canary"]["steps"] == STEPS


async def test_a_bad_version_is_degraded_and_says_why() -> None:
    cluster = rollouts()
    cluster.change("rollouts.argoproj.io", "shop", "web", {"spec": {"progressDeadlineSeconds": 5}})
    cluster.beat(5)
    async with opened(cluster) as toolset:
        call = Caller(toolset)
        await call("set_image", **WEB, image="shop/web:v3-bad")
        await call("set_weight", **WEB, weight=25)
        found = await call("watch_rollout", **WEB)
        assert (found["ready"], found["phase"]) == (False, "Degraded")
        assert "ProgressDeadlineExceeded" in found["reason"]
        tree = await call("get_tree", **WEB)
        assert tree["revisions"][0]["pods"][0]["reason"] == "ImagePullBackOff"


async def test_weights_of_blue_green_are_refused_with_the_remedy() -> None:
    async with opened(rollouts()) as toolset:
        with pytest.raises(ToolError, match="blueGreen, which has no weights: promote it, or choose canary"):
            await Caller(toolset)("set_weight", **API, weight=10)


async def test_an_update_of_somebody_else_is_not_run_over() -> None:
    cluster = rollouts()
    patch = [{"name": "web", "image": "shop/web:v9"}]
    cluster.change("rollouts.argoproj.io", "shop", "web", {"spec": {"template": {"spec": {"containers": patch}}}})
    cluster.beat(10)
    async with opened(cluster) as toolset:
        with pytest.raises(ToolError, match="under way"):
            await Caller(toolset)("set_image", **WEB, **V2)


async def test_what_argo_cd_keeps_goes_through_a_commit() -> None:
    cluster = rollouts()
    mark = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "web-app:argoproj.io/Rollout:shop/web"}}}
    cluster.change("rollouts.argoproj.io", "shop", "web", mark)
    async with opened(cluster) as toolset:
        with pytest.raises(ToolError, match=r"kept by Argo CD \(web-app\).*commit or pull request"):
            await Caller(toolset)("set_image", **WEB, **V2)
