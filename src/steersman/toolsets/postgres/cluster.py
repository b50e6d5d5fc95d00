"""Instances of one cluster: which takes writes, how far the others are behind, and making another one take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steersman.domain.errors import ToolError, UnavailableError
from steersman.remote.together import together
from steersman.toolsets.postgres import facts
from steersman.toolsets.postgres.looking import LAG
from steersman.toolsets.postgres.server import Access, Row, row, rows

PROMOTE_WAIT_S = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster that configuration names, by its instances."""

    access: Access
    name: str
    instances: Mapping[str, tuple[str, int]]
    """Host and port by name."""

    async def state(self, ask: facts.ClusterName) -> facts.ClusterState:
        """Which instance takes writes."""
        if ask.name != self.name or not self.instances:
            return facts.ClusterState(exists=False)
        primaries = [name for name, found in (await self._looked()).items() if found and not found["replica"]]
        if len(primaries) > 1:
            raise ToolError(f"{', '.join(primaries)} all take writes: a person has to decide which of them is right")
        return facts.ClusterState(exists=True, primary=primaries[0] if primaries else "")

    async def describe(self, ask: facts.ClusterName) -> facts.ClusterFacts:
        """How the cluster does. Raises ToolError when it is another one, or nothing of it answers."""
        found = await self._looked() if ask.name == self.name else {}
        answered = [each for each in found.values() if each is not None]
        if not answered:
            raise ToolError(f"no instance of {ask.name!r} answers; configured is {self.name!r}")
        primaries = sum(not each["replica"] for each in answered)
        lag_s = max((float(each["lag_s"]) for each in answered if each["replica"]), default=0.0)
        return facts.ClusterFacts(lag_s=lag_s, healthy=len(answered) == len(found) and primaries == 1)

    async def promote(self, ask: facts.Promotion) -> facts.ClusterState:
        """Makes a replica take writes, while nothing else does. It does already: nothing to do."""
        name = facts.ClusterName(name=ask.name)
        now = await self.state(name)
        if now.primary == ask.primary:
            return now
        if now.primary or not now.exists:
            raise ToolError(
                f"{now.primary!r} takes writes in {ask.name!r}: promoting {ask.primary!r} beside it would make two "
                "primaries; stop the first one"
                if now.exists
                else f"there is no cluster {ask.name!r}"
            )
        async with self._at(ask.primary).changing(patient=True) as connection:
            found = await rows(connection, "SELECT pg_promote(true, %s) AS done", (PROMOTE_WAIT_S,))
        if not found[0]["done"]:
            raise ToolError(f"{ask.primary!r} was not promoted within {PROMOTE_WAIT_S} s; look at its log")
        return await self.state(name)

    async def _looked(self) -> dict[str, Row | None]:
        names = sorted(self.instances)
        return dict(zip(names, await together(*map(self._look, names)), strict=True))

    async def _look(self, name: str) -> Row | None:
        try:
            async with self._at(name).looking() as connection:
                return await row(connection, LAG)
        except UnavailableError:
            return None

    def _at(self, name: str) -> Access:
        if name not in self.instances:
            raise ToolError(f"there is no instance {name!r}; configured are {', '.join(sorted(self.instances))}")
        return self.access.at(*self.instances[name])
