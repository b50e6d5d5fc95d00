"""The resources that the double serves."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.testing.kubernetes import shapes
from steersman.testing.kubernetes.schema import Struct

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource of the API."""

    group: str
    version: str
    plural: str
    kind: str
    schema: Struct
    subresources: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    custom: bool = False
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """`pods`, `deployments.apps`: as messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """`Pod`, `Deployment.apps`: as messages about an invalid object name it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def has_generation(self) -> bool:
        """Whether a change of `spec` counts up `metadata.generation`."""
        return "spec" in self.schema.fields and self.plural not in {"services", "namespaces", "nodes", "resourcequotas"}


def _cluster(group: str, version: str, plural: str, kind: str, schema: Struct, *subresources: str) -> Kind:
    return Kind(group, version, plural, kind, schema, namespaced=False, subresources=subresources)


def _here(group: str, version: str, plural: str, kind: str, schema: Struct, *subresources: str) -> Kind:
    return Kind(group, version, plural, kind, schema, subresources=subresources)


RBAC, ARGO, GATEWAY = "rbac.authorization.k8s.io", "argoproj.io", "gateway.networking.k8s.io"
KINDS: tuple[Kind, ...] = (
    _cluster("", "v1", "namespaces", "Namespace", shapes.NAMESPACE, "status"),
    _cluster("", "v1", "nodes", "Node", shapes.NODE, "status"),
    Kind("", "v1", "pods", "Pod", shapes.POD, subresources=("eviction", "log", "status"), short=("po",)),
    _here("", "v1", "services", "Service", shapes.SERVICE, "status"),
    Kind("", "v1", "configmaps", "ConfigMap", shapes.CONFIG_MAP, short=("cm",)),
    _here("", "v1", "secrets", "Secret", shapes.SECRET),
    _here("", "v1", "events", "Event", shapes.EVENT),
    _here("", "v1", "serviceaccounts", "ServiceAccount", shapes.ACCOUNT),
    _here("", "v1", "resourcequotas", "ResourceQuota", shapes.QUOTA, "status"),
    Kind("apps", "v1", "deployments", "Deployment", shapes.DEPLOYMENT, ("scale", "status"), ("deploy",)),
    Kind("apps", "v1", "replicasets", "ReplicaSet", shapes.REPLICA_SET, ("scale", "status"), ("rs",)),
    Kind(
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        shapes.AUTOSCALER,
        ("status",),
        ("hpa",),
    ),
    _here("batch", "v1", "jobs", "Job", shapes.JOB, "status"),
    _here("batch", "v1", "cronjobs", "CronJob", shapes.CRON_JOB, "status"),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", shapes.BUDGET, ("status",), ("pdb",)),
    _here(RBAC, "v1", "roles", "Role", shapes.ROLE),
    _here(RBAC, "v1", "rolebindings", "RoleBinding", shapes.BINDING),
    _cluster(RBAC, "v1", "clusterroles", "ClusterRole", shapes.ROLE),
    _cluster(RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", shapes.BINDING),
    _cluster(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        shapes.DEFINITION,
        "status",
    ),
    Kind(ARGO, "v1alpha1", "rollouts", "Rollout", shapes.ROLLOUT, ("scale", "status"), ("ro",), custom=True),
    Kind(ARGO, "v1alpha1", "analysisruns", "AnalysisRun", shapes.APPLICATION, (), ("ar",), custom=True),
    Kind(ARGO, "v1alpha1", "applications", "Application", shapes.APPLICATION, (), ("app",), custom=True),
    Kind(GATEWAY, "v1", "httproutes", "HTTPRoute", shapes.ROUTE, ("status",), custom=True),
)
WITHOUT_ARGO = tuple(kind for kind in KINDS if kind.group != ARGO)
