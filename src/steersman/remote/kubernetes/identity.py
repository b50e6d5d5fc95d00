"""Which cluster it is: by the UID of its `kube-system` namespace, which lives and dies with it."""

from __future__ import annotations

from dataclasses import dataclass

from steersman.domain.environment import Environment, Tier
from steersman.domain.errors import UnavailableError
from steersman.remote.kubernetes.api import Api, Ask
from steersman.remote.kubernetes.ownership import metadata
from steersman.remote.kubernetes.resources import NAMESPACES

HEART = "kube-system"
KIND = "kubernetes"


@dataclass(frozen=True, slots=True)
class Identity:
    """Asks a cluster who it is, anew each time."""

    api: Api
    name: str
    """What configuration calls the environment."""
    tier: Tier

    async def __call__(self) -> Environment:
        """The cluster. Raises UnavailableError when it does not say."""
        found = await self.api.json(Ask("GET", NAMESPACES.path(name=HEART)))
        uid = str(metadata(found).get("uid") or "")
        if not uid:
            raise UnavailableError(f"kubernetes ({self.api.context}): namespace {HEART!r} has no uid; is it a cluster?")
        return Environment(kind=KIND, name=self.name, uid=uid, url=str(self.api.http.base_url), tier=self.tier)
