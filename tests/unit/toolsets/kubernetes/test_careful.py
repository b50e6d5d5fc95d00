"""What a write refuses, what it leaves alone, and what becomes of it when its answer is lost."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.unit.toolsets.kubernetes.shop import opened, shop

from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.ids import OperationName
from steersman.domain.ports import CallContext
from steersman.testing.kubernetes import ADMIN_TOKEN, Cluster, ClusterTransport
from steersman.testing.kubernetes.asking import Ask
from steersman.toolsets.kubernetes import KubernetesToolset
from steersman.toolsets.kubernetes.things import OPERATIONS

FRONT = {"namespace": "shop", "name": "front"}
V2 = "shop/front:v2"


async def call(toolset: KubernetesToolset, verb: str, **arguments: Any) -> Any:
    known = {binding.operation.name: binding for binding in toolset.bindings()}
    context = CallContext(
        key="k", deadline=datetime.now(UTC) + timedelta(seconds=60), dry_run=arguments.pop("dry", False)
    )
    return await known[OperationName(f"kubernetes.{verb}")].run(arguments, context)


def front(cluster: Cluster) -> Any:
    return cluster.look("deployments.apps", "shop", "front")


def writes(cluster: Cluster) -> list[Ask]:
    return [ask for ask in cluster.asked if ask.method != "GET"]


async def applied(cluster: Cluster, manager: str, spec: dict[str, Any]) -> None:
    """Somebody else's server-side apply."""
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "front"}, "spec": spec}
    headers = {"content-type": "application/apply-patch+yaml", "authorization": f"Bearer {ADMIN_TOKEN}"}
    ask = Ask("PATCH", "/apis/apps/v1/namespaces/shop/deployments/front", {"fieldManager": manager, "force": "true"},
              headers, json.dumps(body).encode())  # fmt: skip
    assert (await cluster.handle(ask)).status == 200


async def test_a_field_that_somebody_applies_is_never_taken() -> None:
    cluster = shop()
    await applied(cluster, "team-operator", {"replicas": 2})
    async with opened(cluster) as toolset:
        with pytest.raises(ToolError, match=r"\.spec\.replicas is applied by field manager 'team-operator'.*never"):
            await call(toolset, "scale", **FRONT, replicas=5)
    assert front(cluster)["spec"]["replicas"] == 2


async def test_nothing_is_ever_forced_and_all_is_rehearsed_first() -> None:
    cluster = shop()
    async with opened(cluster) as toolset:
        await call(toolset, "set_image", **FRONT, image=V2)
        await call(toolset, "scale", **FRONT, replicas=3)
    sent = writes(cluster)
    assert all("force" not in ask.query for ask in sent)
    assert all(ask.query["fieldManager"] == "steersman" for ask in sent)
    assert all(ask.query["fieldValidation"] == "Strict" for ask in sent)
    real = [index for index, ask in enumerate(sent) if ask.query.get("dryRun") != "All"]
    assert len(real) == 2
    assert all(
        sent[index - 1].query.get("dryRun") == "All" and sent[index - 1].body == sent[index].body for index in real
    )


async def test_what_was_applied_by_us_is_changed_by_apply_and_loses_nothing() -> None:
    cluster = shop()
    config = {"namespace": "shop", "name": "fresh"}
    scaled = {
        "namespace": "shop",
        "name": "worker",
        "signal": "cpu",
        "target": 50,
        "min_replicas": 1,
        "max_replicas": 4,
    }
    async with opened(cluster) as toolset:
        await call(toolset, "create_autoscaler", **scaled)
        await call(
            toolset, "set_autoscaler", namespace="shop", name="worker", target=50, min_replicas=2, max_replicas=6
        )
        await call(toolset, "create_config", **config, data={"a": "1"})
    found = cluster.look("horizontalpodautoscalers.autoscaling", "shop", "worker")
    assert found["spec"]["scaleTargetRef"]["name"] == "worker"
    assert found["spec"]["metrics"][0]["resource"]["name"] == "cpu"
    assert writes(cluster)[3].media_type == "application/apply-patch+yaml"


@pytest.mark.parametrize(
    ("mark", "who"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/front"}}, r"Argo CD \(shop\)"),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, r"Argo CD \(shop\)"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, r"Flux \(apps\)"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "front"}}, r"Flux \(front\)"),
    ],
)
async def test_what_gitops_keeps_goes_through_a_commit(mark: dict[str, Any], who: str) -> None:
    cluster = shop()
    cluster.change("deployments.apps", "shop", "front", {"metadata": mark})
    async with opened(cluster) as toolset:
        with pytest.raises(ToolError, match=rf"Deployment shop/front is kept by {who}.*commit or pull request"):
            await call(toolset, "set_image", **FRONT, image=V2)
    assert not writes(cluster)


async def test_what_an_autoscaler_scales_is_not_scaled_by_hand() -> None:
    cluster = shop()
    scaled = {"namespace": "shop", "name": "front", "signal": "cpu", "target": 50, "min_replicas": 4, "max_replicas": 9}
    async with opened(cluster) as toolset:
        await call(toolset, "create_autoscaler", **scaled)
        cluster.beat(20)
        assert (await call(toolset, "get_deployment", **FRONT))["replicas"] is None
        with pytest.raises(ToolError, match="set_autoscaler"):
            await call(toolset, "scale", **FRONT, replicas=2)


async def test_only_what_we_made_is_deleted() -> None:
    async with opened(shop()) as toolset:
        with pytest.raises(ToolError, match="was not applied by Steersman"):
            await call(toolset, "delete_deployment", **FRONT)


class Between(ClusterTransport):
    """Does something just before the first request that writes for good reaches the server, or loses its answer."""

    def __init__(self, cluster: Cluster, before: Callable[[], None] | None = None) -> None:
        super().__init__(cluster)
        self.before = before
        self.lost = before is None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" or "dryRun" in request.url.params:
            return await super().handle_async_request(request)
        if self.before is not None:
            self.before()
        response = await super().handle_async_request(request)
        if self.lost:
            raise httpx.ReadError("the answer is lost")
        return response


async def test_a_change_of_the_same_field_in_between_is_not_overwritten() -> None:
    cluster = shop()
    theirs = {"spec": {"template": {"spec": {"containers": [{"name": "front", "image": "shop/front:hotfix"}]}}}}
    meddler = Between(cluster, lambda: cluster.change("deployments.apps", "shop", "front", theirs))
    async with opened(cluster, transport=meddler) as toolset:
        with pytest.raises(UnavailableError, match="changed while it was being written; nothing was done"):
            await call(toolset, "set_image", **FRONT, image=V2)
    assert front(cluster)["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/front:hotfix"


async def test_a_change_of_something_else_in_between_is_no_conflict() -> None:
    cluster = shop()
    meddler = Between(
        cluster, lambda: cluster.change("deployments.apps", "shop", "front", {"metadata": {"labels": {"x": "y"}}})
    )
    async with opened(cluster, transport=meddler) as toolset:
        assert (await call(toolset, "set_image", **FRONT, image=V2))["image"] == V2
    assert front(cluster)["metadata"]["labels"]["x"] == "y"


async def test_a_lost_answer_is_an_unknown_outcome_that_the_probe_settles() -> None:
    cluster = shop()
    async with opened(cluster, transport=Between(cluster)) as toolset:
        with pytest.raises(OutcomeUnknownError, match="broke off"):
            await call(toolset, "set_image", **FRONT, image=V2)
        assert (await call(toolset, "get_deployment", **FRONT))["image"] == V2
    generation = front(cluster)["metadata"]["generation"]
    async with opened(cluster) as toolset:
        await call(toolset, "set_image", **FRONT, image=V2)
    assert front(cluster)["metadata"]["generation"] == generation


async def test_secrets_are_written_and_never_shown() -> None:
    cluster = shop()
    named = {"namespace": "shop", "name": "front-db"}
    async with opened(cluster) as toolset:
        await call(toolset, "set_secret", **named, version="7", values={"password": "new-canary"})
        seen = [
            await call(toolset, "get_secret", **named),
            await call(toolset, "get_object", api_version="v1", kind="Secret", **named),
        ]
    assert seen[0] == {"exists": True, "version": "7"}
    assert "canary" not in json.dumps(seen)
    assert "Y2FuYXJ5" not in json.dumps(seen)
    stored = cluster.look("secrets", "shop", "front-db")["data"]["password"]
    assert stored == "bmV3LWNhbmFyeQ=="


async def test_a_bad_image_is_told_with_its_reason_after_the_deadline_only() -> None:
    cluster = shop()
    cluster.change("deployments.apps", "shop", "front", {"spec": {"progressDeadlineSeconds": 5}})
    async with opened(cluster) as toolset:
        await call(toolset, "set_image", **FRONT, image="shop/front:v3-bad")
        found = await call(toolset, "watch_deployment", **FRONT)
        assert found["ready"] is False
        assert "ProgressDeadlineExceeded" in found["reason"]
        assert "ImagePullBackOff" in found["reason"]


async def test_a_watch_that_the_server_has_forgotten_begins_anew() -> None:
    cluster = shop()
    async with opened(cluster) as toolset:
        await call(toolset, "set_image", **FRONT, image=V2)
        inner = cluster.store.compact
        inner()
        assert (await call(toolset, "watch_deployment", **FRONT))["ready"] is True


async def test_a_drain_waits_for_disruption_budgets_and_says_which_one() -> None:
    cluster = shop()
    async with opened(cluster) as toolset:
        await call(toolset, "create_disruption_budget", **FRONT, min_available=2)
        await call(toolset, "set_schedulable", name="node-1", schedulable=False)
        with pytest.raises(UnavailableError, match=r"not drained yet.*disruption budget front needs 2 healthy pods"):
            await call(toolset, "set_drained", name="node-1", drained=True)
        assert (await call(toolset, "get_node", name="node-1"))["drained"] is False


async def test_a_node_that_takes_pods_is_not_drained() -> None:
    async with opened(shop()) as toolset:
        with pytest.raises(ToolError, match="cordon it first"):
            await call(toolset, "set_drained", name="node-1", drained=True)


async def test_a_rehearsal_reports_what_would_be_and_changes_nothing() -> None:
    cluster = shop()
    before = front(cluster)
    async with opened(cluster) as toolset:
        told = await call(toolset, "set_image", **FRONT, image=V2, dry=True)
    assert told["image"] == V2
    assert front(cluster) == before


async def test_a_quota_of_nonsense_is_refused_by_the_rehearsal() -> None:
    cluster = shop()
    async with opened(cluster) as toolset:
        with pytest.raises(ToolError, match="quantities must match"):
            await call(toolset, "set_quota", namespace="shop", cpu="lots", memory="1Gi")
    assert all("dryRun" in ask.query for ask in writes(cluster))


async def test_a_rehearsed_delete_deletes_nothing_though_it_has_a_body() -> None:
    cluster = shop()
    named = {"namespace": "shop", "name": "fresh"}
    async with opened(cluster) as toolset:
        await call(toolset, "create_config", **named, data={"a": "1"})
        await call(toolset, "delete_config", **named, dry=True)
        assert cluster.look("configmaps", "shop", "fresh") is not None
        await call(toolset, "delete_config", **named)
    assert cluster.look("configmaps", "shop", "fresh") is None


async def test_a_target_that_the_server_writes_in_another_way_is_the_same_target() -> None:
    cluster = shop()
    scaled = {
        "namespace": "shop",
        "name": "worker",
        "signal": "depth",
        "target": 1000,
        "min_replicas": 1,
        "max_replicas": 4,
    }
    async with opened(cluster) as toolset:
        assert (await call(toolset, "create_autoscaler", **scaled))["target"] == 1000
    found = cluster.look("horizontalpodautoscalers.autoscaling", "shop", "worker")
    assert found["spec"]["metrics"][0]["external"]["target"]["averageValue"] == "1k"


async def test_a_limit_that_the_server_would_write_in_another_way_is_refused_before_it_is_written() -> None:
    cluster = shop()
    async with opened(cluster) as toolset:
        with pytest.raises(ToolError, match=r"would make '2' of .*writes the same in another way"):
            await call(toolset, "set_limits", **FRONT, cpu_limit="2000m", memory_limit="128Mi")
    assert all("dryRun" in ask.query for ask in writes(cluster))


async def test_without_its_autoscaler_a_workload_has_the_pods_again_that_it_had() -> None:
    cluster = shop()
    worker = {"namespace": "shop", "name": "worker"}
    async with opened(cluster) as toolset:
        before = await call(toolset, "get_autoscaler", **worker)
        scaled = {**worker, "signal": "queue_depth", "target": 100, "min_replicas": 5, "max_replicas": 9}
        await call(toolset, "create_autoscaler", **scaled)
        cluster.beat(5)
        assert cluster.look("deployments.apps", "shop", "worker")["spec"]["replicas"] == 5
        assert "replicas" not in await call(toolset, "get_autoscaler", **worker)
        await call(toolset, "delete_autoscaler", **worker, replicas=before["replicas"])
        cluster.beat(5)
        assert await call(toolset, "get_autoscaler", **worker) == before
    found = cluster.look("deployments.apps", "shop", "worker")["spec"]["replicas"]
    assert found == before["replicas"] < 5


def test_going_back_from_an_autoscaler_names_the_number_of_pods_from_before() -> None:
    (create,) = [each for each in OPERATIONS if each.name == "kubernetes.create_autoscaler"]
    assert create.inverse is not None
    assert create.inverse.arguments["replicas"] == {"$before": "/replicas"}
