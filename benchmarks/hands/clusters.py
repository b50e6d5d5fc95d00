"""Kubernetes, Argo Rollouts and the Gateway API on the strict API server."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from benchmarks.hands.scene import Edit, Line, Scene, System, Wire
from pydantic import JsonValue
from tests.unit.toolsets.kubernetes.shop import api_of, deployment, plain, shop
from tests.unit.toolsets.kubernetes.test_argo_rollouts import TestArgoRollouts, rollouts
from tests.unit.toolsets.kubernetes.test_conformance import TestKubernetes

from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.remote.kubernetes.api import MERGE, Api, Ask
from steersman.remote.kubernetes.identity import Identity
from steersman.testing.clock import FakeClock
from steersman.testing.kubernetes import Cluster, ClusterTransport
from steersman.testing.toolset_conformance import Example
from steersman.toolsets.argo_rollouts import ArgoRolloutsToolset
from steersman.toolsets.gateway import GatewayToolset
from steersman.toolsets.kubernetes import KubernetesToolset

KINDS = {
    "deployment": "deployments.apps",
    "template": "deployments.apps",
    "autoscaler": "horizontalpodautoscalers.autoscaling",
    "node": "nodes",
    "quota": "resourcequotas",
    "config": "configmaps",
    "disruption_budget": "poddisruptionbudgets.policy",
    "cron_job": "cronjobs.batch",
    "job": "jobs.batch",
    "service": "services",
    "secret": "secrets",
    "rollout": "rollouts.argoproj.io",
    "live": "rollouts.argoproj.io",
    "abort": "rollouts.argoproj.io",
    "route": "httproutes.gateway.networking.k8s.io",
}
KEPT_BY_CONTROLLERS = ("deployment.kubernetes.io/revision", "rollout.argoproj.io/revision")
NOTES = ("metadata", "annotations")
POD = ("spec", "template", "spec", "containers", 0)
CHANGES: dict[str, dict[str, tuple[tuple[str | int, ...], JsonValue]]] = {
    "deployment": {
        "image": ((*POD, "image"), "shop/theirs:v9"),
        "replicas": (("spec", "replicas"), 6),
        "limits": ((*POD, "resources", "limits", "cpu"), "77m"),
        "environment": ((*POD, "env"), [{"name": "THEIRS", "value": "1"}]),
        "surge": (("spec", "strategy", "rollingUpdate", "maxSurge"), "77%"),
        "restart": (("spec", "template", *NOTES, "kubectl.kubernetes.io/restartedAt"), "theirs"),
    },
    "template": {"image": ((*POD, "image"), "shop/theirs:v9")},
    "autoscaler": {"max": (("spec", "maxReplicas"), 99), "min": (("spec", "minReplicas"), 4)},
    "node": {"drain": ((*NOTES, "steersman.dev/drained"), "true")},
    "quota": {"cpu": (("spec", "hard", "limits.cpu"), "77"), "memory": (("spec", "hard", "limits.memory"), "77Gi")},
    "config": {"data": (("data", "theirs"), "1")},
    "disruption_budget": {"min": (("spec", "minAvailable"), 7)},
    "cron_job": {"schedule": (("spec", "schedule"), "1 1 * * *"), "suspend": (("spec", "suspend"), True)},
    "service": {"selector": (("spec", "selector", "app"), "theirs")},
    "secret": {"version": ((*NOTES, "steersman.dev/secret-version"), "theirs")},
    "rollout": {"image": ((*POD, "image"), "shop/theirs:v9")},
    "live": {"image": ((*POD, "image"), "shop/theirs:v9")},
    "route": {"weights": (("spec", "rules", 0, "backendRefs", 0, "weight"), 77)},
}
"""Where somebody else writes what, by thing."""
MADE: dict[str, tuple[str, str, JsonObject]] = {
    "config": ("v1", "ConfigMap", {"data": {"theirs": "1"}}),
    "disruption_budget": (
        "policy/v1",
        "PodDisruptionBudget",
        {"spec": {"minAvailable": 5, "selector": {"matchLabels": {"app": "front"}}}},
    ),
    "autoscaler": (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        {
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"},
                "minReplicas": 2,
                "maxReplicas": 3,
            }
        },
    ),
    "job": (
        "batch/v1",
        "Job",
        {
            "spec": {
                "template": {
                    "spec": {"containers": [{"name": "j", "image": "theirs:v1"}], "restartPolicy": "Never"},
                }
            }
        },
    ),
}


WORKER = "/deployments.apps/shop/worker/spec/replicas"
API = "/rollouts.argoproj.io/shop/api"


def stored(cluster: Cluster) -> JsonValue:
    """What people wrote of every object: no status, versions, times and pods."""
    found: dict[str, JsonValue] = {}
    for kind in sorted(set(KINDS.values())):
        for each in cluster.store.all(kind, ""):
            kept = {name: value for name, value in each.items() if name not in ("status", "metadata")}
            notes = each["metadata"].get("annotations") or {}
            kept["annotations"] = {name: notes[name] for name in sorted(notes) if name not in KEPT_BY_CONTROLLERS}
            kept["labels"] = each["metadata"].get("labels") or {}
            kept = copy.deepcopy(kept)
            if kind == "nodes":
                kept["spec"].pop("taints", None)  # a controller's, after a cordon
            if kind == "jobs.batch":
                kept["spec"].pop("selector", None)  # the server makes a new one for every job
                kept["spec"]["template"]["metadata"].pop("labels", None)
            found[f"{kind}/{each['metadata'].get('namespace', '')}/{each['metadata']['name']}"] = filled(kept)
    return found


def filled(value: JsonValue) -> JsonValue:
    """Without what is empty: an empty list of notes is none."""
    if isinstance(value, dict):
        return {key: held for key, item in value.items() if (held := filled(item)) not in ({}, [], None)}
    return [filled(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Others:
    """What other people do in a cluster."""

    cluster: Cluster

    def __call__(self, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
        """Writes to the object that a call is about, or makes one where there is none."""
        thing = operation.resource.split("/")[1]
        kind, space = KINDS[thing], str(arguments.get("namespace", "" if thing == "node" else "shop"))
        name = str(arguments.get("name") or arguments.get("service") or "limits")
        live = self.cluster.look(kind, space, name)
        if live is None and thing == "deployment":
            return [Edit("make", partial(self._make, deployment(name)))]
        if live is None:
            version, word, body = MADE[thing]
            return [Edit("make", partial(self._make, plain(version, word, name, **body)))]
        edits = [
            Edit(what, partial(self.write, kind, space, name, path=path, value=value))
            for what, (path, value) in CHANGES.get(thing, {}).items()
        ]
        if thing in ("config", "disruption_budget", "autoscaler", "job", "cron_job"):
            edits.append(Edit("delete", partial(self._delete, kind, live)))
        if thing == "node":
            scheduled = not live["spec"].get("unschedulable", False)
            path = ("spec", "unschedulable")
            edits.append(Edit("cordon", partial(self.write, kind, space, name, path=path, value=scheduled)))
        if thing == "abort":
            edits.append(Edit("abort", partial(self._abort, kind, live)))
        return edits

    def noise(self, operation: Operation, arguments: JsonObject) -> Sequence[Edit]:
        """Labels, notes, status, other objects, and what controllers do all day."""
        thing = operation.resource.split("/")[1]
        kind, space = KINDS[thing], str(arguments.get("namespace", "" if thing == "node" else "shop"))
        name = str(arguments.get("name") or arguments.get("service") or "limits")
        edits = [
            Edit("another config map", partial(self._make, plain("v1", "ConfigMap", "elsewhere", data={"a": "1"}))),
            Edit("another deployment", partial(self.write, "deployments.apps", "shop", "worker",
                                               path=("metadata", "labels", "theirs"), value="1")),
            Edit("time", self._beat),
        ]  # fmt: skip
        if self.cluster.look(kind, space, name) is not None:
            for what, path in (
                ("annotation", (*NOTES, "example.com/theirs")),
                ("label", ("metadata", "labels", "theirs")),
            ):
                edits.append(Edit(what, partial(self.write, kind, space, name, path=path, value="1")))
            edits.append(Edit("managed fields", partial(self._touch, kind, space, name)))
        return edits

    async def write(self, kind: str, space: str, name: str, *, path: tuple[str | int, ...], value: JsonValue) -> None:
        """A merge patch by somebody; lists are sent whole."""
        live: Any = copy.deepcopy(self.cluster.look(kind, space, name))
        place = live
        for part in path[:-1]:
            place = place[part] if isinstance(part, int) else place.setdefault(part, {})
        place[path[-1]] = value
        self.cluster.change(kind, space, name, {str(path[0]): live[path[0]]})
        self.cluster.beat(20)

    async def _make(self, document: JsonObject) -> None:
        self.cluster.make(document)

    async def _delete(self, kind: str, live: Any) -> None:
        self.cluster.store.remove(self.cluster.store.kind(kind), live)

    async def _abort(self, kind: str, live: Any) -> None:
        """As `kubectl argo rollouts abort` does it: by the status."""
        space, name = live["metadata"]["namespace"], live["metadata"]["name"]
        aborted = not live["status"].get("abort", False)
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{space}/{kind.partition('.')[0]}/{name}/status"
        async with api_of(self.cluster) as api:
            await api.json(Ask("PATCH", path, {}, {"status": {"abort": aborted}}, MERGE))

    async def _beat(self) -> None:
        self.cluster.beat(3)

    async def _touch(self, kind: str, space: str, name: str) -> None:
        """Writes the same again under another name: managed fields and the version move, nothing else."""
        live = self.cluster.look(kind, space, name)
        held = {name: copy.deepcopy(live[name]) for name in ("spec", "data") if name in live}
        self.cluster.change(kind, space, name, held, manager="argocd-controller")


class OnCluster(System):
    """Any toolset of a cluster."""

    stands_on = "strict API server double (cassettes of 1.36)"
    cluster: staticmethod
    toolset: staticmethod

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Scene]:
        """A fork of the cluster."""
        cluster, line = self.cluster(), Line()
        others = Others(cluster)
        async with api_of(cluster, transport=Wire(ClusterTransport(cluster), line)) as api:
            toolset = self.toolset(api, FakeClock(datetime.now(UTC)), Identity(api, "double", "staging"))

            async def truth() -> JsonValue:
                return stored(cluster)

            yield Scene(toolset, truth, others, others.noise, line, beside=BESIDE)


BESIDE = {
    # What an autoscaler that was there has set is its own. One that we made gives back the replicas from before.
    **{f"kubernetes.{verb}_autoscaler": (WORKER,) for verb in ("set", "delete")},
    # A promotion is undone when the former version is live; a version that only waited for it is not kept waiting.
    "argo_rollouts.promote": (f"{API}/annotations", f"{API}/spec", f"{API}/labels", "/services/shop/api-preview"),
}


class Kubernetes(OnCluster):
    """Deployments, autoscalers, nodes, jobs and all that."""

    name = "kubernetes"
    cluster = staticmethod(shop)
    toolset = staticmethod(KubernetesToolset)
    examples = TestKubernetes.examples


class ArgoRollouts(OnCluster):
    """Canaries and blue-green."""

    name = "argo_rollouts"
    cluster = staticmethod(rollouts)
    toolset = staticmethod(ArgoRolloutsToolset)
    examples = TestArgoRollouts.examples


def routed() -> Cluster:
    """The shop with an HTTPRoute of two pools."""
    cluster = shop()
    backends = [{"name": "front", "port": 80, "weight": 100}, {"name": "front-green", "port": 80, "weight": 0}]
    cluster.make(
        plain("gateway.networking.k8s.io/v1", "HTTPRoute", "front", spec={"rules": [{"backendRefs": backends}]})
    )
    return cluster


class Gateway(OnCluster):
    """Weights of the Gateway API."""

    name = "gateway"
    cluster = staticmethod(routed)
    examples = (Example("gateway.set_weights", {"service": "front", "weights": {"blue": 60, "green": 40}}),)

    @staticmethod
    def toolset(api: Api, _: object, identity: Identity) -> GatewayToolset:
        """Of one namespace."""
        return GatewayToolset(api, identity, "shop")
