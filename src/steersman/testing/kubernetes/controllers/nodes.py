"""Nodes: a cordoned one carries the taint that says so. Disruption budgets are counted here as well."""

from __future__ import annotations

from steersman.testing.kubernetes.controllers.writing import condition, save, save_status
from steersman.testing.kubernetes.selectors import selects
from steersman.testing.kubernetes.status import Document
from steersman.testing.kubernetes.store import Store
from steersman.testing.kubernetes.subresources import desired_healthy, is_ready

TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def keep_nodes(store: Store) -> None:
    """Taints and untaints nodes, and counts what budgets allow."""
    for node in store.all("nodes"):
        others = [each for each in node["spec"].get("taints", []) if each["key"] != TAINT["key"]]
        taints = [*others, TAINT] if node["spec"].get("unschedulable") else others
        if taints != node["spec"].get("taints", []):
            spec = {**node["spec"], "taints": taints}
            save(store, node, {**node, "spec": spec if taints else {k: v for k, v in spec.items() if k != "taints"}})
    for budget in store.all("poddisruptionbudgets.policy"):
        save_status(store, budget, _counted(store, budget))


def _counted(store: Store, budget: Document) -> Document:
    pods = [
        pod
        for pod in store.all("pods", budget["metadata"]["namespace"])
        if selects(budget["spec"].get("selector"), pod["metadata"].get("labels", {}))
    ]
    healthy, desired = sum(map(is_ready, pods)), desired_healthy(budget["spec"], len(pods))
    allowed = max(healthy - desired, 0)
    former = budget.get("status", {}).get("conditions", [])
    reason = "SufficientPods" if allowed else "InsufficientPods"
    flag = "True" if allowed else "False"
    return {
        "observedGeneration": budget["metadata"]["generation"],
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": len(pods),
        "conditions": [condition(store, former, "DisruptionAllowed", flag, reason=reason, message="")],
    }
