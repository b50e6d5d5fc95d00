"""Objects as the states that operations show: what is wanted of a thing, out of its spec."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.remote.kubernetes.api import Document
from steersman.remote.kubernetes.objects import TEMPLATE, main_container, spec
from steersman.remote.kubernetes.ownership import Path, managers_of, metadata, notes
from steersman.remote.kubernetes.quantities import amount

RESTARTED = "kubectl.kubernetes.io/restartedAt"
DRAINED = "steersman.dev/drained"
VERSIONED = "steersman.dev/secret-version"
LIKE = "steersman.dev/like"
FROM_CRON_JOB = "steersman.dev/cron-job"
ABSENT: JsonObject = {"exists": False}
HPA_MANAGERS = frozenset({"kube-controller-manager", "keda-operator"})
REPLICAS: Path = ("spec", "replicas")
RESTART: Path = (*TEMPLATE, "metadata", "annotations", RESTARTED)
SURGE: Path = ("spec", "strategy", "rollingUpdate", "maxSurge")
UNAVAILABLE: Path = ("spec", "strategy", "rollingUpdate", "maxUnavailable")
QUOTA_KEYS = {"cpu": ("limits.cpu", "requests.cpu", "cpu"), "memory": ("limits.memory", "requests.memory", "memory")}


def deployment(document: Document | None) -> JsonObject:
    """The state of a Deployment."""
    if document is None:
        return ABSENT
    container = main_container(document)
    limits = (container.get("resources") or {}).get("limits") or {}
    rolling = (spec(document).get("strategy") or {}).get("rollingUpdate") or {}
    template = spec(document).get("template") or {}
    return {
        "exists": True,
        "image": str(container.get("image", "")),
        "replicas": None if is_autoscaled(document) else int(spec(document).get("replicas", 1)),
        "cpu_limit": str(limits.get("cpu", "")),
        "memory_limit": str(limits.get("memory", "")),
        "environment": environment(container),
        "restart_token": notes(template).get(RESTARTED, ""),
        "max_surge": str(rolling.get("maxSurge", "")),
        "max_unavailable": str(rolling.get("maxUnavailable", "")),
        "like": notes(document).get(LIKE, ""),
    }


def is_autoscaled(document: Document) -> bool:
    """Whether an autoscaler has written the number of replicas: then it moves by itself."""
    return any(who in HPA_MANAGERS and below == "scale" for who, below in managers_of(document, REPLICAS))


def environment(container: Document) -> dict[str, JsonValue]:
    """Variables with a value of their own; those that come out of secrets and the like are left out."""
    return {
        str(each["name"]): str(each.get("value", "")) for each in container.get("env") or [] if "valueFrom" not in each
    }


def autoscaler(document: Document | None) -> JsonObject:
    """The state of a HorizontalPodAutoscaler: its first metric, and the bounds."""
    if document is None:
        return ABSENT
    signal, target = metric(document)
    return {
        "exists": True,
        "signal": signal,
        "target": target,
        "min_replicas": int(spec(document).get("minReplicas", 1)),
        "max_replicas": int(spec(document).get("maxReplicas", 1)),
    }


def metric(document: Document) -> tuple[str, int]:
    """Name and target of the first metric; 0 where the target is no whole number."""
    first = next(iter(spec(document).get("metrics") or [{}]))
    kind = str(first.get("type", ""))
    held = first.get(kind[:1].lower() + kind[1:]) or {}
    name = held.get("name") or (held.get("metric") or {}).get("name") or "none"
    target = held.get("target") or {}
    value = next((target[k] for k in ("averageUtilization", "averageValue", "value") if k in target), 0)
    number = amount(value)  # the server writes 1000 as 1k
    return str(name), int(number) if number == int(number) else 0


def node(document: Document | None) -> JsonObject:
    """The state of a node: `drained` is a mark that a drain leaves, not whether pods happen to be there."""
    if document is None:
        return ABSENT
    return {
        "exists": True,
        "schedulable": not spec(document).get("unschedulable", False),
        "drained": notes(document).get(DRAINED) == "true",
    }


def config(document: Document | None) -> JsonObject:
    """The state of a config map."""
    return ABSENT if document is None else {"exists": True, "data": dict(document.get("data") or {})}


def budget(document: Document | None) -> JsonObject:
    """The state of a disruption budget."""
    if document is None:
        return ABSENT
    held = spec(document)
    if "maxUnavailable" in held:
        return {"exists": True, "min_available": f"maxUnavailable={held['maxUnavailable']}"}
    return {"exists": True, "min_available": held.get("minAvailable", 0)}


def cron_job(document: Document | None) -> JsonObject:
    """The state of a cron job."""
    if document is None:
        return ABSENT
    held = spec(document)
    return {"exists": True, "schedule": str(held.get("schedule", "")), "suspended": bool(held.get("suspend", False))}


def job(document: Document | None) -> JsonObject:
    """The state of a job that was made out of a cron job."""
    if document is None:
        return ABSENT
    return {"exists": True, "cron_job": notes(document).get(FROM_CRON_JOB, "none")}


def service(document: Document | None) -> JsonObject:
    """The state of a service."""
    return ABSENT if document is None else {"exists": True, "selector": dict(spec(document).get("selector") or {})}


def secret(document: Document | None) -> JsonObject:
    """The state of a secret: under which name its values were set last; never a value, never a hash of one."""
    return ABSENT if document is None else {"exists": True, "version": notes(document).get(VERSIONED, "")}


def quota(documents: list[Document]) -> JsonObject:
    """The state of the one quota of a namespace. Raises ToolError when there are several."""
    if not documents:
        return ABSENT
    if len(documents) > 1:
        names = ", ".join(sorted(str(metadata(each).get("name")) for each in documents))
        raise ToolError(f"the namespace has several quotas ({names}): which one is meant cannot be said here")
    hard: dict[str, Any] = spec(documents[0]).get("hard") or {}
    shown: JsonObject = {"exists": True}
    for field in QUOTA_KEYS:
        key = quota_key(hard, field)
        shown[field] = str(hard.get(key, ""))
    return shown


def quota_key(hard: dict[str, Any], field: str) -> str:
    """Which of the keys for CPU or memory this quota uses."""
    return next((key for key in QUOTA_KEYS[field] if key in hard), QUOTA_KEYS[field][0])
