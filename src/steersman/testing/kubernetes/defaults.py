"""What the API server fills in."""

from __future__ import annotations

import base64
from decimal import Decimal, InvalidOperation
from typing import Any

from steersman.testing.kubernetes.status import Document


def fill(kind: str, document: Document) -> None:
    """Sets the defaults of a kind, in place."""
    filler = FILLERS.get(kind)
    if filler is not None:
        filler(document)


def _set(document: Document, **values: Any) -> None:
    for name, value in values.items():
        document.setdefault(name, value)


def _pod_spec(spec: Document) -> None:
    _set(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        latest = ":" not in str(container.get("image", "")).rpartition("/")[2] or str(container["image"]).endswith(
            ":latest"
        )
        _set(
            container,
            resources={},
            terminationMessagePath="/dev/termination-log",
            terminationMessagePolicy="File",
            imagePullPolicy="Always" if latest and "@" not in str(container.get("image")) else "IfNotPresent",
        )
        _resources(container)
        for port in container.get("ports", []):
            _set(port, protocol="TCP")
        for name in ("readinessProbe", "livenessProbe", "startupProbe"):
            if name in container:
                _set(container[name], timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)


def canonical(quantity: Any) -> str:
    """A quantity as the server writes it: `1000` is `1k`, `0.5` is `500m`; those with a suffix mostly stay."""
    text = str(quantity)
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(text[:-1]) / 1000 if text[:-1].isdigit() and text.endswith("m") else Decimal(-1)
    if number < 0:
        return text
    if number != int(number):
        return f"{int(number * 1000)}m"
    for suffix, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number and int(number) % size == 0:
            return f"{int(number) // size}{suffix}"
    return str(int(number))


def _resources(container: Document) -> None:
    for part in ("limits", "requests"):
        held = container.get("resources", {}).get(part)
        if held:
            container["resources"][part] = {name: canonical(value) for name, value in held.items()}


def _deployment(document: Document) -> None:
    spec = document["spec"]
    _set(spec, replicas=1, strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _set(spec["strategy"], type="RollingUpdate")
    if spec["strategy"]["type"] == "RollingUpdate":
        _set(spec["strategy"], rollingUpdate={})
        _set(spec["strategy"]["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
    _pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    document.setdefault("status", {})


def _workload(document: Document) -> None:
    spec = document["spec"]
    _set(spec, replicas=1)
    _pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))


def _job(document: Document) -> None:
    spec = document["spec"]
    _set(spec, parallelism=1, completions=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    spec.setdefault("template", {}).setdefault("spec", {}).setdefault("restartPolicy", "Never")
    _pod_spec(spec["template"]["spec"])
    uid = document["metadata"].get("uid", "")
    labels = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": document["metadata"]["name"]}
    _set(spec, selector={"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})
    held = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    _set(held, **labels)
    document.setdefault("status", {})


def _cron_job(document: Document) -> None:
    _set(
        document["spec"],
        suspend=False,
        concurrencyPolicy="Allow",
        successfulJobsHistoryLimit=3,
        failedJobsHistoryLimit=1,
    )
    document.setdefault("status", {})


def _service(document: Document) -> None:
    spec = document["spec"]
    _set(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    _set(spec, ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] != "ExternalName" and "clusterIP" not in spec:
        number = sum(document["metadata"]["name"].encode()) % 250
        spec["clusterIP"] = f"10.96.0.{number + 2}"
        spec["clusterIPs"] = [spec["clusterIP"]]
    for port in spec.get("ports", []):
        _set(port, protocol="TCP", targetPort=port.get("port"))
    document.setdefault("status", {"loadBalancer": {}})


def _autoscaler(document: Document) -> None:
    spec = document["spec"]
    _set(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    for metric in spec["metrics"]:
        target = metric.get(metric["type"][:1].lower() + metric["type"][1:], {}).get("target", {})
        for name in ("averageValue", "value"):
            if name in target:
                target[name] = canonical(target[name])
    document.setdefault("status", {"desiredReplicas": 0, "currentMetrics": None})


def _secret(document: Document) -> None:
    _set(document, type="Opaque")
    for name, text in document.pop("stringData", {}).items():
        document.setdefault("data", {})[name] = base64.b64encode(text.encode()).decode()


def _namespace(document: Document) -> None:
    document.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    document.setdefault("status", {"phase": "Active"})
    labels = document["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = document["metadata"]["name"]


def _pod(document: Document) -> None:
    _pod_spec(document.setdefault("spec", {}))
    document.setdefault("status", {"phase": "Pending"})


def _budget(document: Document) -> None:
    empty = dict.fromkeys(("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0)
    document.setdefault("status", empty)


def _route(document: Document) -> None:
    for rule in document.get("spec", {}).get("rules", []):
        for backend in rule.get("backendRefs", []):
            _set(backend, group="", kind="Service", weight=1)


def _rollout(document: Document) -> None:
    for container in document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
        for port in container.get("ports", []):
            _set(port, protocol="TCP")


FILLERS = {
    "Deployment": _deployment,
    "ReplicaSet": _workload,
    "Job": _job,
    "CronJob": _cron_job,
    "Service": _service,
    "HorizontalPodAutoscaler": _autoscaler,
    "Secret": _secret,
    "Namespace": _namespace,
    "Pod": _pod,
    "PodDisruptionBudget": _budget,
    "HTTPRoute": _route,
    "Rollout": _rollout,
}
