"""Grounds on a cluster: `deploy-bluegreen-eks` and `scale-hpa-on-queue-depth`, with a Prometheus beside them."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from scenario_frame import Ground, Kill, Ledger, Telemetry, must
from steersman.testing.kubernetes import Cluster, kubeconfig, served
from steersman.testing.kubernetes.asking import Ask
from steersman.testing.tripwire import Tripwire

SHOP = "shop"
DEPLOYMENT, ROLLOUT = "deployments.apps", "rollouts.argoproj.io"
AUTOSCALER, ROUTE = "horizontalpodautoscalers.autoscaling", "httproutes.gateway.networking.k8s.io"
STEPS = [{"setWeight": 25}, {"pause": {}}]
REVIEWS = "authorization.k8s.io"
LATE_S = 120.0
"""Machines may be busy."""
PATCHED = rb"PATCH /apis/argoproj.io/[^ ]+/rollouts/pay[? ]"
ERROR_SHARE = {True: 0.5, False: 0.005}


def workload(name: str, **more: Any) -> dict[str, Any]:
    """The specification of a Deployment or a Rollout."""
    container = {
        "name": name,
        "image": f"registry.local/{name}:v1",
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"cpu": "1", "memory": "256Mi"}},
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template, **more}


def made(api_version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """An object of the shop."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": SHOP}, "spec": spec}


BACKENDS = [{"name": "cart", "port": 80, "weight": 100}, {"name": "cart-green", "port": 80, "weight": 0}]
BLUE_GREEN = {"blueGreen": {"activeService": "till", "autoPromotionEnabled": False}}
OBJECTS = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SHOP}},
    made("apps/v1", "Deployment", "worker", workload("worker", replicas=1)),
    made("apps/v1", "Deployment", "cart", workload("cart")),
    made("gateway.networking.k8s.io/v1", "HTTPRoute", "cart", {"rules": [{"backendRefs": BACKENDS}]}),
    made("v1", "Service", "till", {"selector": {"app": "till"}, "ports": [{"port": 80}]}),
    made("argoproj.io/v1alpha1", "Rollout", "pay", workload("pay", replicas=4, strategy={"canary": {"steps": STEPS}})),
    made("argoproj.io/v1alpha1", "Rollout", "till", workload("till", strategy=BLUE_GREEN)),
)


def rehearsed(ask: Ask) -> bool:
    """Whether it is a dry run; a deletion says so in its body."""
    return ask.rehearses or b'"dryRun"' in ask.body


class Served:
    """A cluster in a thread of its own, and the wire in front of it."""

    def __init__(self, cluster: Cluster, url: str, loop: asyncio.AbstractEventLoop, wire: Tripwire) -> None:
        self.cluster, self.url, self._loop, self.wire = cluster, url, loop, wire

    def ledger(self) -> Ledger:
        """Every write that the API server took and did, by what it changed; rehearsals and questions are none."""

        def count() -> Ledger:
            done = [ask for ask, status in zip(c.asked, c.replies, strict=False) if status < 300]
            writes = [ask for ask in done if ask.method != "GET" and not rehearsed(ask) and REVIEWS not in ask.path]
            return Counter(f"{ask.method} {'/'.join(urlsplit(ask.path).path.split('/')[-2:])}" for ask in writes)

        c = self.cluster
        return self.here(count)

    def here(self, work: Callable[[], Any]) -> Any:
        """Does something where the cluster lives."""

        async def inside() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(LATE_S)

    def look(self, kind: str, name: str) -> Any:
        """An object as it is stored."""
        return self.here(lambda: self.cluster.look(kind, SHOP, name))

    def change(self, kind: str, name: str, patch: dict[str, Any]) -> None:
        """Somebody else's edit."""
        self.here(lambda: self.cluster.change(kind, SHOP, name, patch, manager="kubectl-edit"))

    def image(self, kind: str, name: str) -> str:
        """Of the only container."""
        return str(self.look(kind, name)["spec"]["template"]["spec"]["containers"][0]["image"])


@contextmanager
def cluster_served(home: Path, *objects: dict[str, Any]) -> Iterator[tuple[Served, Path]]:
    """A cluster with these objects, and a kubeconfig that leads to it through the wire."""
    cluster = Cluster(f"ground-{home.name}", virtual=False)
    cluster.make(*(objects or OBJECTS))
    ready, stop = threading.Event(), asyncio.Event()
    found: list[Any] = []

    async def serve() -> None:
        async with served(cluster) as url:
            found.extend((url, asyncio.get_running_loop()))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    must(ready.wait(LATE_S), "the cluster did not come up")
    url, loop = found
    with Tripwire(int(url.rpartition(":")[2])) as wire:
        try:
            yield Served(cluster, url, loop, wire), kubeconfig(wire.url, home)
        finally:
            loop.set_exception_handler(lambda *_: None)  # watches that are broken off complain
            loop.call_soon_threadsafe(stop.set)
            thread.join(LATE_S)


def requests_of(service: str, share: float) -> dict[str, float]:
    """What a service is measured by: 20 requests a second, some of which fail, and its CPU."""
    name = f'http_server_request_duration_seconds_count{{service="{service}",http_response_status_code='
    return {
        f'{name}"200"}}': 20 * (1 - share),
        f'{name}"500"}}': 20 * share,
        f'process_cpu_utilization_ratio{{service="{service}"}}': 0.2,
    }


@dataclass
class OnCluster(Ground):
    """A ground with a cluster and a Prometheus."""

    spoiled: bool = False
    shop: Served = field(init=False)
    config: Path = field(init=False)
    prometheus: str = field(init=False)

    @contextmanager
    def up(self) -> Iterator[Self]:
        """With everything it needs."""
        with ExitStack() as stack:
            self.shop, self.config = stack.enter_context(cluster_served(self.home))
            self.prometheus = stack.enter_context(Telemetry(self.home, self.measure).serving())
            yield self

    @abstractmethod
    def measure(self) -> dict[str, float]:
        """What Prometheus sees now."""

    def systems(self) -> dict[str, Any]:
        """Both."""
        return {
            "kubernetes": {"kubeconfig": str(self.config), "context": "double", "namespace": SHOP},
            "prometheus": {"url": self.prometheus, "signals": {"rate_window_s": 3.0}},
        }

    def ledger(self) -> Ledger:
        """Of the API server."""
        return self.shop.ledger()


class BlueGreen(OnCluster):
    """A canary on Argo Rollouts, and the two other methods."""

    scenario = "deploy-bluegreen-eks"
    variants: ClassVar = {
        "argo-rollouts": {},
        "from-bluegreen": {"service": "till"},
        "two-deployments": {"service": "cart"},
    }
    deny = "argo_rollouts.set_weight"
    kills = (Kill("set_image", "shop.wire", PATCHED), Kill("set_weight", "shop.wire", PATCHED, nth=3))

    def parameters(self) -> dict[str, str]:
        """The new version."""
        return {"service": "pay", "version": "v2", "namespace": SHOP}

    def measure(self) -> dict[str, float]:
        """The new version fails, where it is spoiled."""
        bad = self.spoiled and self.shop.image(ROLLOUT, "pay").endswith("v2")
        return {**requests_of("pay", ERROR_SHARE[bad]), **requests_of("till", 0.005), **requests_of("cart", 0.005)}

    def state(self) -> Any:
        """Image, steps and weight of each, as `argo_rollouts.get_rollout`, `get_deployment` and `get_route` show."""
        pay = self.shop.look(ROLLOUT, "pay")
        return {
            "image": self.shop.image(ROLLOUT, "pay"),
            "strategy": pay["spec"]["strategy"],
            "stable": pay["status"]["stableRS"] == pay["status"]["currentPodHash"],
            "phase": pay["status"]["phase"],
            "annotations": sorted(name for name in pay["metadata"].get("annotations", {}) if "steersman" in name),
        }

    def spoil(self) -> None:
        """Half of its requests fail."""
        self.spoiled = True

    def edit(self) -> None:
        """Another image."""
        containers = [{**workload("pay")["template"]["spec"]["containers"][0], "image": "registry.local/pay:v1-hotfix"}]
        self.shop.change(ROLLOUT, "pay", {"spec": {"template": {"spec": {"containers": containers}}}})
        self.shop.here(lambda: self.shop.cluster.beat(20))

    def check_good(self, ledger: Ledger) -> None:
        """v2 has everything, and the Rollout its own steps."""
        wanted = {**self.state(), "image": "registry.local/pay:v2"}
        must(self.state() == wanted and self.state()["stable"], f"not there: {self.state()}")
        must(self.state()["strategy"] == {"canary": {"steps": STEPS}}, f"its steps are others: {self.state()}")
        must(ledger == {"PATCH rollouts/pay": 5, "PATCH pay/status": 1}, f"other writes: {dict(ledger)}")

    def check_method(self, name: str) -> None:
        """The other two have the new version as well."""
        kind, workload = (ROLLOUT, "till") if name == "from-bluegreen" else (DEPLOYMENT, "cart-green")
        image = f"registry.local/{workload.removesuffix('-green')}:v2"
        must(self.shop.image(kind, workload) == image, f"{workload} is {self.shop.image(kind, workload)}")
        if name == "two-deployments":
            shares = [each["weight"] for each in self.shop.look(ROUTE, "cart")["spec"]["rules"][0]["backendRefs"]]
            must(shares == [0, 100], f"the route is {shares}")


class Autoscaled(OnCluster):
    """An autoscaler by queue depth, made where there is none, and changed where there is one."""

    scenario = "scale-hpa-on-queue-depth"
    variants: ClassVar = {"create": {}, "update": {"max_replicas": "30"}}
    deny = "kubernetes.create_autoscaler"
    kills = (Kill("create_autoscaler", "shop.wire", rb"P(ATCH|OST) /apis/autoscaling/v2/[^ ]+/horizontalpodauto"),)
    after_breach = "paused"

    def parameters(self) -> dict[str, str]:
        """Of a worker with one pod, which the autoscaler is to bring to two at least."""
        return {"service": "worker", "namespace": SHOP}

    def measure(self) -> dict[str, float]:
        """The backlog grows, where it is spoiled, once the autoscaler is there."""
        bad = self.spoiled and self.shop.look(AUTOSCALER, "worker") is not None
        return {**requests_of("worker", 0.005), 'queue_depth{service="worker"}': 1500.0 if bad else 40.0}

    def state(self) -> Any:
        """The autoscaler, and how many pods there are to be without it."""
        found = self.shop.look(AUTOSCALER, "worker")
        return {
            "autoscaler": found and found["spec"],
            "replicas": self.shop.look(DEPLOYMENT, "worker")["spec"]["replicas"],
        }

    def spoil(self) -> None:
        """More waits than workers can do."""
        self.spoiled = True

    def edit(self) -> None:
        """Somebody makes one of his own."""
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"}
        metrics = [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
            }
        ]
        spec = {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 3, "metrics": metrics}
        self.shop.here(
            lambda: self.shop.cluster.make(made("autoscaling/v2", "HorizontalPodAutoscaler", "worker", spec))
        )
        self.shop.here(lambda: self.shop.cluster.beat(20))

    def check_good(self, ledger: Ledger) -> None:
        """It is there, by one write."""
        state = self.state()
        must(state["autoscaler"] is not None and state["replicas"] == 2, f"not there: {state}")
        must(ledger.total() == 1, f"other writes: {dict(ledger)}")

    def check_method(self, _: str) -> None:
        """The new bound is there."""
        must(self.state()["autoscaler"]["maxReplicas"] == 30, f"not there: {self.state()}")
