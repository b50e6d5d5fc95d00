"""Looking around: objects of any kind, events, logs, pods, what they use. Their texts are untrusted."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Handler
from steersman.remote.kubernetes.api import (
    BAD_REQUEST,
    FORBIDDEN,
    NAMES_ONLY,
    NOT_FOUND,
    Ask,
    Document,
    RefusalError,
)
from steersman.remote.kubernetes.changing import path_of
from steersman.remote.kubernetes.objects import spec, status
from steersman.remote.kubernetes.ownership import metadata
from steersman.remote.kubernetes.quantities import amount
from steersman.remote.kubernetes.resources import DEPLOYMENTS, EVENTS, PODS, ROLLOUTS, STATEFUL_SETS, Resource
from steersman.remote.kubernetes.watching import Place
from steersman.remote.text import one_line
from steersman.toolsets.kubernetes import reading, settling, trouble
from steersman.toolsets.kubernetes.cluster import Cluster, place_of
from steersman.toolsets.kubernetes.workloads import pods_of

WORKLOADS = (DEPLOYMENTS, STATEFUL_SETS, ROLLOUTS)
MOST_EVENTS = 100
MOST_PODS = 5
MOST_AILING = 100
LINES = 50
METRICS = Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics")
REMOVED = (
    ("flowcontrol.apiserver.k8s.io/v1beta3", 32),
    ("flowcontrol.apiserver.k8s.io/v1beta2", 29),
    ("autoscaling/v2beta2", 26),
    ("autoscaling/v2beta1", 25),
    ("batch/v1beta1", 25),
    ("policy/v1beta1", 25),
    ("discovery.k8s.io/v1beta1", 25),
    ("events.k8s.io/v1beta1", 25),
    ("node.k8s.io/v1beta1", 25),
    ("storage.k8s.io/v1beta1", 27),
    ("networking.k8s.io/v1beta1", 22),
    ("rbac.authorization.k8s.io/v1beta1", 22),
)
"""Group and version, and the minor version of 1.x that serves it no more.

Source: the deprecation guide of Kubernetes.
"""


def handlers(cluster: Cluster) -> dict[str, Handler]:
    """The code of these reads, by verb."""
    return {
        "list_objects": _list(cluster),
        "get_object": _object(cluster),
        "list_deployments": _deployments(cluster),
        "list_workloads": _workloads(cluster),
        "pods": _pods(cluster),
        "ailing_pods": _ailing(cluster),
        "warnings": _warnings(cluster),
        "events": _events(cluster),
        "logs": _logs(cluster),
        "top": _top(cluster),
        "deprecated_apis": _deprecated(cluster),
    }


def _list(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        resource = await cluster.discovery.find(str(arguments["api_version"]), str(arguments["kind"]))
        found = await cluster.api.every(resource.path(str(arguments["namespace"])), most=1_000)
        listed: list[JsonValue] = [{"name": str(metadata(each).get("name")), "status": _said(each)} for each in found]
        return {"objects": listed, "count": len(listed)}

    return run


def _said(document: Document) -> str:
    held = status(document)
    for name in ("phase", "health", "sync"):
        value = held.get(name)
        if isinstance(value, str):
            return one_line(value)
        if isinstance(value, dict) and value.get("status"):
            return one_line(str(value["status"]))
    true = [kind for kind, each in settling.conditions(document).items() if each.get("status") == "True"]
    return one_line(", ".join(true))


def _object(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        resource = await cluster.discovery.find(str(arguments["api_version"]), str(arguments["kind"]))
        found = await cluster.writer.read(place_of(resource, arguments))
        return {"exists": found is not None, "object": shown(found) if found else {}}

    return run


def shown(document: Document) -> Document:
    """The object without bookkeeping; of a secret the keys, without what they hold."""
    kept = {name: value for name, value in metadata(document).items() if name != "managedFields"}
    notes = dict(kept.get("annotations") or {})
    notes.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    plain = {**document, "metadata": {**kept, **({"annotations": notes} if notes else {})}}
    if document.get("kind") == "Secret":
        for part in ("data", "stringData"):
            if part in plain:
                plain[part] = dict.fromkeys(plain[part] or {}, "(kept)")
    return plain


def _deployments(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        found: list[JsonValue] = []
        for each in await cluster.api.every(DEPLOYMENTS.path(str(arguments["namespace"]))):
            how = settling.rollout(each)
            line: JsonObject = {"name": str(metadata(each).get("name")), "ready": how.ready, "reason": how.reason}
            found.append({**line, "image": reading.deployment(each)["image"], "ready_replicas": how.ready_replicas})
        return {"deployments": found, "count": len(found)}

    return run


def _workloads(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        namespace = str(arguments.get("namespace") or cluster.namespace)
        found: dict[str, JsonValue] = {}
        for resource in WORKLOADS:
            found |= dict.fromkeys(await _named(cluster, resource, namespace), resource.kind)
        return {"namespace": namespace, "workloads": found}

    return run


async def _named(cluster: Cluster, resource: Resource, namespace: str) -> list[str]:
    """Names of all objects of a kind; none where it is not served, or not ours to list."""
    try:
        found = await cluster.api.every(resource.path(namespace), accept=NAMES_ONLY)
    except RefusalError as e:
        if e.code not in (FORBIDDEN, NOT_FOUND):
            raise
        return []
    return [str(metadata(each).get("name")) for each in found]


def _pods(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        during = trouble.During(cluster.clock.now())
        found: list[JsonValue] = [trouble.pod(each, during) for each in await pods_of(cluster, arguments)]
        return {"pods": found, "count": len(found)}

    return run


def _ailing(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        namespace = str(arguments.get("namespace") or cluster.namespace)
        during = trouble.During.of(arguments, cluster.clock.now())
        lines = [trouble.pod(each, during) for each in await cluster.api.every(PODS.path(namespace))]
        ailing: list[JsonValue] = [line for line in lines if trouble.ails(line)]
        left_out = max(len(ailing) - MOST_AILING, 0)
        return {"namespace": namespace, "count": len(lines), "ailing": ailing[:MOST_AILING], "left_out": left_out}

    return run


def _warnings(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        namespace = str(arguments.get("namespace") or cluster.namespace)
        during = trouble.During.of(arguments, cluster.clock.now())
        found = await cluster.api.every(EVENTS.path(namespace), {"fieldSelector": "type=Warning"})
        seen = sorted((each for each in found if during.has(trouble.instant(when(each)))), key=when, reverse=True)
        lines: list[JsonValue] = [trouble.warning(each, when(each)) for each in seen[:MOST_EVENTS]]
        return {"namespace": namespace, "warnings": lines, "left_out": len(seen) - len(lines)}

    return run


def _events(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        name = str(arguments["name"])
        found = [
            each
            for each in await cluster.api.every(EVENTS.path(str(arguments["namespace"])))
            if _is_about(str((each.get("involvedObject") or {}).get("name", "")), name)
        ]
        recent = sorted(found, key=when)[-MOST_EVENTS:]
        return {"events": [_event(each) for each in recent], "count": len(found)}

    return run


def _is_about(involved: str, name: str) -> bool:
    """The workload itself, its ReplicaSets and its pods, which carry its name in front, then a hash and a suffix."""
    rest = involved.removeprefix(f"{name}-")
    return involved == name or (rest != involved and rest.count("-") <= 1)


def when(event: Document) -> str:
    """When an event was last seen: three fields may say so."""
    series = event.get("series") or {}
    fields = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(each) for each in fields if each), str(metadata(event).get("creationTimestamp", "")))


def _event(event: Document) -> dict[str, JsonValue]:
    involved = event.get("involvedObject") or {}
    return {
        "at": when(event),
        "type": str(event.get("type", "")),
        "reason": one_line(str(event.get("reason", ""))),
        "object": f"{involved.get('kind', '')}/{involved.get('name', '')}",
        "message": one_line(str(event.get("message") or event.get("note") or "")),
        "count": int(event.get("count") or (event.get("series") or {}).get("count") or 1),
    }


def _logs(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        lines: list[JsonValue] = []
        arguments = {**arguments, "namespace": arguments.get("namespace") or cluster.namespace}
        pods = sorted(await pods_of(cluster, arguments), key=lambda each: str(metadata(each).get("creationTimestamp")))
        for pod in pods[-MOST_PODS:]:
            lines += await _lines(cluster, pod)
        return {"lines": lines, "count": len(lines)}

    return run


async def _lines(cluster: Cluster, pod: Document) -> list[JsonValue]:
    place = Place(PODS, str(metadata(pod).get("namespace")), str(metadata(pod).get("name")))
    containers = spec(pod).get("containers") or [{}]
    name = str(containers[0].get("name", ""))
    query = {"tailLines": str(LINES), "container": name, "limitBytes": str(64 * 1024), "timestamps": "true"}
    if trouble.runs_again(pod, name):
        return [*await _told(cluster, place, {**query, "previous": "true"}), *await _told(cluster, place, query)]
    return await _told(cluster, place, query)


async def _told(cluster: Cluster, place: Place, query: dict[str, str]) -> list[JsonValue]:
    try:
        raw = await cluster.api.raw(Ask("GET", path_of(place, "log"), query))
    except RefusalError as e:
        if e.code != BAD_REQUEST:
            raise
        return [{"pod": place.name, "line": one_line(str(e))}]  # a container that waits has no log: it says why
    text = raw.decode(errors="replace")
    return [{"pod": place.name, "line": one_line(each, limit=2_000)} for each in text.splitlines()]


def _top(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        if not await cluster.discovery.served(METRICS.api_version):
            raise ToolError("this cluster has no metrics server; ask a telemetry source for cpu and memory instead")
        used: list[JsonValue] = []
        for each in await cluster.api.every(METRICS.path(str(arguments["namespace"]))):
            usage: list[Any] = [c.get("usage") or {} for c in each.get("containers") or []]
            cpu = sum(amount(u.get("cpu", "0")) for u in usage)
            memory = sum(amount(u.get("memory", "0")) for u in usage)
            used.append({"pod": str(metadata(each).get("name")), "cpu_cores": cpu, "memory_bytes": memory})
        return {"pods": used, "count": len(used)}

    return run


def _deprecated(cluster: Cluster) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        minor = int(str(arguments["version"]).removeprefix("v").split(".")[1])
        found: list[JsonValue] = []
        for api_version, gone in REMOVED:
            if gone <= minor:
                found += await _using(cluster, api_version)
        return {"count": len(found), "objects": found}

    return run


async def _using(cluster: Cluster, api_version: str) -> list[JsonValue]:
    """Objects whose managers wrote them by a version: the server itself shows every object in every version."""
    found: list[JsonValue] = []
    for resource in await cluster.discovery.served(api_version):
        for each in await cluster.api.every(resource.path()):
            lines = metadata(each).get("managedFields") or []
            if any(line.get("apiVersion") == api_version for line in lines):
                name = "/".join(filter(None, (metadata(each).get("namespace"), metadata(each).get("name"))))
                found.append({"api_version": api_version, "kind": resource.kind, "name": name})
    return found
