"""What the API server refuses with 422, in its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from steersman.testing.kubernetes.kinds import Kind
from steersman.testing.kubernetes.selectors import selects
from steersman.testing.kubernetes.status import Document, invalid

Problem = tuple[str, str, str]
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
QUANTITY = re.compile(r"[+-]?([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|[eE][+-]?[0-9]+)?")
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
MOST_PORT = 65535
MOST_NAME = 253


def check(kind: Kind, document: Document, was: Document | None = None) -> None:
    """Raises Refused 422 naming every problem."""
    problems = list(_metadata(document))
    problems += CHECKS[kind.kind](document) if kind.kind in CHECKS else []
    if was is not None:
        problems += _immutable(kind, was, document)
    if problems:
        raise invalid(kind, document["metadata"].get("name", ""), problems)


def wrong(field: str, value: Any, message: str) -> Problem:
    """One invalid value."""
    shown = f'"{value}"' if isinstance(value, str) else _json(value)
    return field, "FieldValueInvalid", f"Invalid value: {shown}: {message}"


def _json(value: Any) -> str:
    import json

    return json.dumps(value, separators=(",", ":"))


def _required(field: str) -> Problem:
    return field, "FieldValueRequired", "Required value"


def _not_supported(field: str, value: str, allowed: tuple[str, ...]) -> Problem:
    listed = ", ".join(f'"{each}"' for each in allowed)
    return field, "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {listed}'


def _metadata(document: Document) -> Iterator[Problem]:
    name = document["metadata"].get("name", "")
    if not NAME.fullmatch(name) or len(name) > MOST_NAME:
        yield wrong("metadata.name", name, SUBDOMAIN)
    for key, value in document["metadata"].get("labels", {}).items():
        if not LABEL.fullmatch(value):
            yield wrong("metadata.labels", value, f"a valid label must be an empty string or consist of alphanumeric "
                        f"characters, '-', '_' or '.' (label {key})")  # fmt: skip


def _not_negative(spec: Document, *names: str) -> Iterator[Problem]:
    for name in names:
        if isinstance(spec.get(name), int) and spec[name] < 0:
            yield wrong(f"spec.{name}", spec[name], "must be greater than or equal to 0")


def _containers(spec: Document, at: str) -> Iterator[Problem]:
    containers = spec.get("containers") or []
    if not containers:
        yield _required(f"{at}.containers")
    for index, container in enumerate(containers):
        here = f"{at}.containers[{index}]"
        if not container.get("name"):
            yield _required(f"{here}.name")
        if not container.get("image"):
            yield _required(f"{here}.image")
        yield from _resources(container, here)


def _resources(container: Document, here: str) -> Iterator[Problem]:
    limits = container.get("resources", {}).get("limits", {})
    for part in ("limits", "requests"):
        for name, value in container.get("resources", {}).get(part, {}).items():
            if not QUANTITY.fullmatch(str(value)):
                yield wrong(f"{here}.resources.{part}[{name}]", value, "quantities must match the regular expression")
            elif part == "requests" and name in limits and amount(value) > amount(limits[name]):
                yield wrong(f"{here}.resources.requests", value, f"must be less than or equal to {name} limit of "
                            f"{limits[name]}")  # fmt: skip


def amount(quantity: Any) -> float:
    """A quantity as a number: `250m`, `1Gi`, `2`."""
    text = str(quantity)
    for suffix, factor in SUFFIXES.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)


SUFFIXES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def _workload(document: Document) -> Iterator[Problem]:
    spec = document.get("spec", {})
    yield from _not_negative(spec, "replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    template = spec.get("template", {})
    labels = template.get("metadata", {}).get("labels", {})
    if not spec.get("selector"):
        yield _required("spec.selector")
    elif not selects(spec["selector"], labels):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from _containers(template.get("spec", {}), "spec.template.spec")
    rolling = spec.get("strategy", {}).get("rollingUpdate", {})
    if all(_is_zero(rolling.get(name)) for name in ("maxSurge", "maxUnavailable")) and rolling:
        yield wrong("spec.strategy.rollingUpdate.maxUnavailable", rolling.get("maxUnavailable"),
                    "may not be 0 when `maxSurge` is 0")  # fmt: skip


def _is_zero(value: Any) -> bool:
    return value in (0, "0%")


def _service(document: Document) -> Iterator[Problem]:
    spec = document.get("spec", {})
    for index, port in enumerate(spec.get("ports", [])):
        for name in ("port", "targetPort"):
            value = port.get(name)
            if isinstance(value, int) and not 1 <= value <= MOST_PORT:
                yield wrong(f"spec.ports[{index}].{name}", value, "must be between 1 and 65535, inclusive")
    if spec.get("type") not in SERVICE_TYPES:
        yield _not_supported("spec.type", str(spec.get("type")), SERVICE_TYPES)


def _autoscaler(document: Document) -> Iterator[Problem]:
    spec = document.get("spec", {})
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if most is None or most < 1:
        yield wrong("spec.maxReplicas", most or 0, "must be greater than 0")
    elif most < least:
        yield wrong("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    if least < 1:
        yield wrong("spec.minReplicas", least, "must be greater than or equal to 1")
    if not spec.get("scaleTargetRef", {}).get("name"):
        yield _required("spec.scaleTargetRef.name")


def _job(document: Document) -> Iterator[Problem]:
    spec = document.get("spec", {})
    yield from _containers(spec.get("template", {}).get("spec", {}), "spec.template.spec")
    policy = spec.get("template", {}).get("spec", {}).get("restartPolicy")
    if policy not in ("OnFailure", "Never"):
        yield _not_supported("spec.template.spec.restartPolicy", str(policy), ("OnFailure", "Never"))


def _config(document: Document) -> Iterator[Problem]:
    for key in document.get("data") or {}:
        if not re.fullmatch(r"[-._a-zA-Z0-9]+", key):
            yield wrong("data", key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'")


def _quota(document: Document) -> Iterator[Problem]:
    for name, value in document.get("spec", {}).get("hard", {}).items():
        if not QUANTITY.fullmatch(str(value)):
            yield wrong(f"spec.hard[{name}]", value, "quantities must match the regular expression")


def _budget(document: Document) -> Iterator[Problem]:
    spec = document.get("spec", {})
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield wrong("spec", spec, "minAvailable and maxUnavailable cannot be both set")


def _immutable(kind: Kind, was: Document, now: Document) -> Iterator[Problem]:
    frozen = {"Deployment": ("selector",), "ReplicaSet": ("selector",), "Job": ("selector", "template", "completions")}
    for name in frozen.get(kind.kind, ()):
        if was["spec"].get(name) != now["spec"].get(name):
            yield wrong(f"spec.{name}", now["spec"].get(name), "field is immutable")
    if kind.kind in ("ConfigMap", "Secret") and was.get("immutable"):
        if was.get("data") != now.get("data"):
            yield "data", "FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set"
        if not now.get("immutable"):
            yield "immutable", "FieldValueForbidden", "Forbidden: field is immutable when `immutable` is set"
    if kind.kind.endswith("Binding") and was.get("roleRef") != now.get("roleRef"):
        yield wrong("roleRef", now.get("roleRef"), "cannot change roleRef")


CHECKS = {
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "Service": _service,
    "HorizontalPodAutoscaler": _autoscaler,
    "Job": _job,
    "ConfigMap": _config,
    "Secret": _config,
    "ResourceQuota": _quota,
    "PodDisruptionBudget": _budget,
}
