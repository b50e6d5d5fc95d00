"""What each operation needs to be allowed: the RBAC that we ask for is made out of this, and out of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from steersman.domain.privilege import Privilege

APPS, SCALING, POLICY, BATCH = "apps", "autoscaling", "policy", "batch"
ARGO, ROUTES = "argoproj.io", "gateway.networking.k8s.io"


def _p(group: str, resource: str, verbs: str, *, name: str = "", everywhere: bool = False) -> tuple[Privilege, ...]:
    return tuple(
        Privilege(group=group, resource=resource, verb=verb, name=name, everywhere=everywhere) for verb in verbs.split()
    )


IDENTITY = _p("", "namespaces", "get", name="kube-system", everywhere=True)
"""Each toolset asks which cluster it is on."""
DEPLOYMENT = _p(APPS, "deployments", "get")
WATCHED = _p(APPS, "deployments", "get list watch")
PODS = _p("", "pods", "list")
SETS = _p(APPS, "replicasets", "list")
CHANGED = (*DEPLOYMENT, *_p(APPS, "deployments", "patch"))
MADE = (*WATCHED, *_p(APPS, "deployments", "patch create delete"))
SCALED = (*DEPLOYMENT, *_p(ARGO, "rollouts", "get"))
"""What an autoscaler is for."""
NODE = _p("", "nodes", "get list watch", everywhere=True)
ROLLOUT = (*_p(ARGO, "rollouts", "get"), *SETS)
DRIVEN = (*_p(ARGO, "rollouts", "get list watch patch"), *_p(ARGO, "rollouts/status", "patch"))

NEEDS: Mapping[str, tuple[Privilege, ...]] = MappingProxyType(
    {
        "kubernetes.get_deployment": DEPLOYMENT,
        "kubernetes.watch_deployment": (*WATCHED, *PODS),
        "kubernetes.rollout_status": (*DEPLOYMENT, *PODS),
        "kubernetes.apply_deployment": (*DEPLOYMENT, *_p(APPS, "deployments", "patch create")),
        "kubernetes.delete_deployment": (*WATCHED, *_p(APPS, "deployments", "delete")),
        "kubernetes.set_image": CHANGED,
        "kubernetes.scale": CHANGED,
        "kubernetes.set_limits": CHANGED,
        "kubernetes.set_environment": CHANGED,
        "kubernetes.set_surge": CHANGED,
        "kubernetes.restart": CHANGED,
        "kubernetes.get_template": (*DEPLOYMENT, *SETS),
        "kubernetes.undo_rollout": (*CHANGED, *SETS),
        "kubernetes.rollout_history": (*DEPLOYMENT, *SETS),
        "kubernetes.list_deployments": _p(APPS, "deployments", "list"),
        "kubernetes.list_workloads": (
            *_p(APPS, "deployments statefulsets", "list"),
            *_p(ARGO, "rollouts", "list"),
        ),
        "kubernetes.pods": (*DEPLOYMENT, *PODS),
        "kubernetes.ailing_pods": PODS,
        "kubernetes.warnings": _p("", "events", "list"),
        "kubernetes.events": _p("", "events", "list"),
        "kubernetes.logs": (*DEPLOYMENT, *PODS, *_p("", "pods/log", "get")),
        "kubernetes.top": _p("metrics.k8s.io", "pods", "list"),
        "kubernetes.get_autoscaler": (*_p(SCALING, "horizontalpodautoscalers", "get"), *SCALED),
        "kubernetes.create_autoscaler": (
            *_p(SCALING, "horizontalpodautoscalers", "get list patch create"),
            *SCALED,
        ),
        "kubernetes.delete_autoscaler": (
            *_p(SCALING, "horizontalpodautoscalers", "get list watch delete"),
            *CHANGED,
            *_p(ARGO, "rollouts", "get patch"),
        ),
        "kubernetes.set_autoscaler": _p(SCALING, "horizontalpodautoscalers", "get patch"),
        "kubernetes.get_disruption_budget": _p(POLICY, "poddisruptionbudgets", "get"),
        "kubernetes.create_disruption_budget": (*_p(POLICY, "poddisruptionbudgets", "get patch create"), *DEPLOYMENT),
        "kubernetes.delete_disruption_budget": _p(POLICY, "poddisruptionbudgets", "get list watch delete"),
        "kubernetes.get_quota": _p("", "resourcequotas", "list"),
        "kubernetes.set_quota": _p("", "resourcequotas", "list get patch"),
        "kubernetes.get_node": _p("", "nodes", "get", everywhere=True),
        "kubernetes.watch_node": _p("", "nodes", "list watch", everywhere=True),
        "kubernetes.list_nodes": _p("", "nodes", "list", everywhere=True),
        "kubernetes.set_schedulable": _p("", "nodes", "get patch", everywhere=True),
        "kubernetes.set_drained": (
            *_p("", "nodes", "get patch", everywhere=True),
            *_p("", "pods", "list", everywhere=True),
            *_p("", "pods/eviction", "create", everywhere=True),
        ),
        "kubernetes.get_control_plane": (),
        "kubernetes.watch_control_plane": (),
        "kubernetes.get_config": _p("", "configmaps", "get"),
        "kubernetes.create_config": _p("", "configmaps", "get patch create"),
        "kubernetes.delete_config": _p("", "configmaps", "get list watch delete"),
        "kubernetes.set_config": _p("", "configmaps", "get patch"),
        "kubernetes.get_secret": _p("", "secrets", "get"),
        "kubernetes.set_secret": _p("", "secrets", "get patch"),
        "kubernetes.get_service": _p("", "services", "get"),
        "kubernetes.set_selector": _p("", "services", "get patch"),
        "kubernetes.get_cron_job": _p(BATCH, "cronjobs", "get"),
        "kubernetes.suspend_cron_job": _p(BATCH, "cronjobs", "get patch"),
        "kubernetes.get_job": _p(BATCH, "jobs", "get"),
        "kubernetes.watch_job": _p(BATCH, "jobs", "list watch"),
        "kubernetes.create_job": (*_p(BATCH, "jobs", "get patch create"), *_p(BATCH, "cronjobs", "get")),
        "kubernetes.delete_job": _p(BATCH, "jobs", "get list watch delete"),
        "argo_rollouts.get_rollout": _p(ARGO, "rollouts", "get"),
        "argo_rollouts.watch_rollout": _p(ARGO, "rollouts", "list watch"),
        "argo_rollouts.get_live": ROLLOUT,
        "argo_rollouts.get_abort": _p(ARGO, "rollouts", "get"),
        "argo_rollouts.get_tree": (*ROLLOUT, *PODS),
        "argo_rollouts.analysis_runs": _p(ARGO, "analysisruns", "list"),
        "argo_rollouts.list_rollouts": _p(ARGO, "rollouts", "list"),
        "argo_rollouts.set_image": _p(ARGO, "rollouts", "get patch"),
        "argo_rollouts.set_weight": DRIVEN,
        "argo_rollouts.set_strategy": _p(ARGO, "rollouts", "get list watch patch"),
        "argo_rollouts.set_aborted": (*_p(ARGO, "rollouts", "get"), *_p(ARGO, "rollouts/status", "patch")),
        "argo_rollouts.promote": DRIVEN,
        "argo_rollouts.roll_back": (*DRIVEN, *SETS),
        "gateway.get_route": _p(ROUTES, "httproutes", "get"),
        "gateway.set_weights": _p(ROUTES, "httproutes", "get patch"),
    }
)
"""By operation. An apply of what is not there needs `create` as well as `patch`. Reading objects of any kind needs
`get` and `list` on that kind, which nobody can know before.
"""
ANY_KIND = frozenset({"kubernetes.list_objects", "kubernetes.get_object", "kubernetes.deprecated_apis"})
SECRET_READS = frozenset({"kubernetes.get_secret"})
"""RBAC cannot allow a look at a secret without its values: granted only to those who may write secrets."""


def needed(operations: Iterable[str]) -> tuple[Privilege, ...]:
    """Everything that these operations need together, in order."""
    found = {privilege for name in operations for privilege in NEEDS.get(name, ())}
    return tuple(sorted({*found, *IDENTITY}, key=lambda p: (p.everywhere, p.group, p.resource, p.name, p.verb)))
