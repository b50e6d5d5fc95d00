"""HorizontalPodAutoscalers: the bounds always, the metric where the test says what it is.

A test sets the annotation `double/metric` on the autoscaler; without it nothing but the bounds is kept, and the
status says so, as a cluster without a metrics server does.
"""

from __future__ import annotations

from steersman.testing.kubernetes.controllers.writing import condition, save, save_status
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store
from steersman.testing.kubernetes.validation import amount

RESOURCES = {"Deployment": "deployments.apps", "Rollout": "rollouts.argoproj.io"}


def autoscale(store: Store) -> None:
    """Keeps what each autoscaler scales within its bounds."""
    for found in store.all("horizontalpodautoscalers.autoscaling"):
        reference = found["spec"]["scaleTargetRef"]
        place = RESOURCES.get(reference["kind"], "")
        goal = store.get(place, found["metadata"]["namespace"], reference["name"]) if place else None
        if goal is None:
            continue
        current = goal["spec"].get("replicas", 1)
        wanted = _wanted(found, current)
        if current not in (0, wanted):
            save(store, goal, {**goal, "spec": {**goal["spec"], "replicas": wanted}}, subresource="scale")
        save_status(store, found, _status(store, found, current=current, wanted=wanted))


def _wanted(found: Document, current: int) -> int:
    metric = found["metadata"].get("annotations", {}).get("double/metric")
    wanted = -(-int(metric) // _target(found)) if metric is not None else current
    return int(max(found["spec"]["minReplicas"], min(found["spec"]["maxReplicas"], wanted)))


def _target(found: Document) -> int:
    metric = found["spec"]["metrics"][0]
    target = metric[metric["type"][0].lower() + metric["type"][1:]]["target"]
    said = next(str(target[name]) for name in ("averageValue", "value", "averageUtilization") if name in target)
    return max(int(amount(said)), 1)


def _status(store: Store, found: Document, *, current: int, wanted: int) -> Document:
    former = found.get("status", {}).get("conditions", [])
    measured = "double/metric" in found["metadata"].get("annotations", {})
    reason = "ValidMetricFound" if measured else "FailedGetExternalMetric"
    return {
        "currentReplicas": current,
        "desiredReplicas": wanted,
        "currentMetrics": None,
        "conditions": [
            condition(store, former, "AbleToScale", "True", reason="SucceededGetScale", message="scale was read"),
            condition(store, former, "ScalingActive", "True" if measured else "False", reason=reason, message=reason),
        ],
    }
