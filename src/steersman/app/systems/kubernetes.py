"""A Kubernetes cluster: a context of a kubeconfig, or the cluster that Steersman itself runs in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from steersman.app.section import Section
from steersman.app.systems.opened import Opened, Opening

if TYPE_CHECKING:
    from steersman.domain.ports import Toolset
    from steersman.remote.kubernetes.access import Access
    from steersman.remote.kubernetes.api import Api
    from steersman.remote.kubernetes.identity import Identity


class KubernetesSettings(Section):
    """Which cluster, and as whom."""

    context: str = ""
    """A context of the kubeconfig; empty takes its current one."""
    kubeconfig: Path | None = None
    """Else `KUBECONFIG`, else `~/.kube/config`."""
    in_cluster: bool = False
    """The service account of the pod that Steersman runs in, instead of a kubeconfig."""
    impersonate: str = ""
    """A user or service account to act as, for example `system:serviceaccount:steersman:operator`."""
    impersonate_groups: tuple[str, ...] = ()
    """Groups to act as, beside the user."""
    plugins: bool = False
    """Whether the credential plugin that the kubeconfig names may be run, as `aws eks get-token` for EKS."""
    namespace: str = ""
    """Where routes of the Gateway API are, and where `investigate` looks; empty takes the one of the context."""
    timeout_s: float = Field(default=30.0, gt=0, le=300)
    """So long one request may take; watches are not counted."""


def access_of(settings: KubernetesSettings) -> Access:
    """Where the cluster is and who we are there. Raises ConfigError."""
    from dataclasses import replace

    from steersman.domain.errors import ConfigError
    from steersman.remote.kubernetes.access import from_kubeconfig, in_cluster

    if settings.in_cluster and (settings.context or settings.kubeconfig):
        raise ConfigError("kubernetes: in_cluster: true and a kubeconfig exclude each other; choose one")
    files = (settings.kubeconfig.expanduser(),) if settings.kubeconfig else ()
    found = in_cluster() if settings.in_cluster else from_kubeconfig(settings.context, files=files)
    if settings.impersonate:
        found = replace(found, user=settings.impersonate, groups=settings.impersonate_groups)
    return found


@asynccontextmanager
async def opened(settings: KubernetesSettings, opening: Opening) -> AsyncIterator[Opened]:
    """The cluster with what runs in it, Argo Rollouts and the Gateway API where they are served."""
    from steersman.remote.kubernetes.api import Api, Ask
    from steersman.remote.kubernetes.credentials import Limits, open_http
    from steersman.remote.kubernetes.identity import Identity
    from steersman.toolsets.kubernetes import KubernetesSource, KubernetesToolset

    access = access_of(settings)
    async with open_http(access, Limits(settings.timeout_s, plugins=settings.plugins)) as http:
        api = Api(http, access.context, settings.timeout_s)
        identity = Identity(api, opening.name, opening.tier)
        namespace = settings.namespace or access.namespace

        async def version() -> str:
            return str((await api.json(Ask("GET", "/version"))).get("gitVersion", ""))

        yield Opened(
            KubernetesToolset(api, opening.clock, identity, namespace),
            await identity(),
            source=KubernetesSource(api, namespace),
            version=version,
            defaults={"namespace": namespace},
            also=_beside(api, opening, identity, namespace),
        )


def _beside(api: Api, opening: Opening, identity: Identity, namespace: str) -> tuple[Toolset, ...]:
    """What stands on the same API. Where a cluster does not serve it, its reads say that nothing is there."""
    from steersman.toolsets.argo_rollouts import ArgoRolloutsToolset
    from steersman.toolsets.gateway import GatewayToolset

    return (ArgoRolloutsToolset(api, opening.clock, identity), GatewayToolset(api, identity, namespace))
