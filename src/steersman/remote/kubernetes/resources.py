"""Paths of objects: the kinds that we know, and any other by discovery."""

from __future__ import annotations

from dataclasses import dataclass, field

from steersman.domain.errors import InputError, ToolError
from steersman.remote.kubernetes.api import NOT_FOUND as MISSING
from steersman.remote.kubernetes.api import Api, Ask, RefusalError


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the API."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", below: str = "") -> str:
        """The URL path of a collection, an object, or something below it. Names are checked by the schemas."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts += [part for part in (self.plural, name, below) if part]
        return "/".join(parts)


NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
PODS = Resource("", "v1", "pods", "Pod")
SERVICES = Resource("", "v1", "services", "Service")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
EVENTS = Resource("", "v1", "events", "Event")
QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
JOBS = Resource("batch", "v1", "jobs", "Job")
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob")
ROLLOUTS = Resource("argoproj.io", "v1alpha1", "rollouts", "Rollout")
ANALYSIS_RUNS = Resource("argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun")
ROUTES = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")


@dataclass(slots=True)
class Discovery:
    """What a cluster serves, asked once for each group and version."""

    api: Api
    _known: dict[str, tuple[Resource, ...]] = field(default_factory=dict)

    async def find(self, api_version: str, kind: str) -> Resource:
        """The resource of a kind. Raises ToolError when the cluster does not serve it."""
        for each in await self.served(api_version):
            if each.kind == kind or each.plural == kind.lower():
                return each
        near = ", ".join(each.kind for each in self._known.get(api_version, ())) or "nothing of that group and version"
        raise ToolError(f"this cluster serves no {kind!r} in {api_version!r}; it serves {near}")

    async def served(self, api_version: str) -> tuple[Resource, ...]:
        """All resources of a group and version; none when it is not served."""
        if api_version not in self._known:
            self._known[api_version] = await self._ask(api_version)
        return self._known[api_version]

    async def has(self, resource: Resource) -> bool:
        """Whether the cluster serves this resource."""
        return any(each.plural == resource.plural for each in await self.served(resource.api_version))

    async def _ask(self, api_version: str) -> tuple[Resource, ...]:
        group, _, version = api_version.rpartition("/")
        if not version or api_version.count("/") > 1:
            raise InputError(f"api_version {api_version!r}: write v1, apps/v1 or group.example.com/v1")
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            document = await self.api.json(Ask("GET", path))
        except RefusalError as e:
            if e.code == MISSING:
                return ()
            raise
        return tuple(
            Resource(group, version, str(each["name"]), str(each["kind"]), namespaced=bool(each.get("namespaced")))
            for each in document.get("resources") or []
            if "/" not in str(each["name"])
        )
