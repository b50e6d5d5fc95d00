"""Kubernetes as a toolset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from steersman.domain.environment import Environment
from steersman.domain.ports import Binding, Clock, Handler
from steersman.remote.kubernetes.api import Api
from steersman.remote.kubernetes.identity import Identity
from steersman.remote.kubernetes.resources import Discovery
from steersman.toolsets.kubernetes import configs, looking, nodes, scaling, workloads
from steersman.toolsets.kubernetes.cluster import Cluster
from steersman.toolsets.kubernetes.things import OPERATIONS, SYSTEM


@dataclass(frozen=True, slots=True)
class KubernetesToolset:
    """The operations of one cluster.

    api: whoever opened its client closes it. identity: asks the cluster which one it is. namespace: the one that is
    meant where an operation lets it be left out.
    """

    api: Api
    clock: Clock
    identity: Identity
    namespace: str = "default"
    name: str = field(default=SYSTEM, init=False)

    async def environment(self) -> Environment:
        """The identity of the cluster, asked from it anew."""
        return await self.identity()

    def bindings(self) -> Sequence[Binding]:
        """All operations of the cluster. Does no I/O."""
        cluster = Cluster(self.api, self.clock, Discovery(self.api), self.namespace)
        known: dict[str, Handler] = {}
        for part in (looking, workloads, scaling, nodes, configs):
            known |= part.handlers(cluster)
        return tuple(Binding(each, known[each.name.partition(".")[2]]) for each in OPERATIONS)
