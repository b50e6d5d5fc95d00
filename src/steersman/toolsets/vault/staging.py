"""New credentials, made where nobody sees them and kept beside the secret until a consumer has proved that they work.

They wait in the mount itself: a run that was killed finds them again, and nothing of them leaves the server but a
reference. What waits deletes itself after a day.
"""

from __future__ import annotations

import secrets as random
import string
from dataclasses import dataclass

from steersman.domain.errors import ToolError
from steersman.domain.reference import STAGED, SecretPlace
from steersman.remote.exchange import Request
from steersman.remote.shape import labels, mapping, reading
from steersman.toolsets.vault import facts
from steersman.toolsets.vault.content import Content
from steersman.toolsets.vault.leases import Leases
from steersman.toolsets.vault.secrets import LEASE, Secrets

ALPHABET = string.ascii_letters + string.digits
KEPT = "24h"


def staged_path(path: str, name: str) -> str:
    """Where it waits."""
    return f"{STAGED}/{path}/{name}"


@dataclass(frozen=True, slots=True)
class Staging:
    """Makes, shows, publishes and discards what waits."""

    secrets: Secrets
    leases: Leases
    database: str
    """Mount of the database secrets engine."""

    async def state(self, ask: facts.StagedName) -> facts.Presence:
        """Whether something waits there."""
        return facts.Presence(exists=await self._content(ask) is not None)

    async def describe(self, ask: facts.StagedName) -> facts.StagedFacts:
        """What waits, without its content."""
        content = await self._content(ask)
        if content is None:
            return facts.StagedFacts(exists=False)
        return facts.StagedFacts(
            exists=True,
            digest=content.digest(self.secrets.key),
            keys=content.names(),
            lease=content.texts().get(LEASE, ""),
            reference=str(SecretPlace(path=staged_path(ask.path, ask.name))),
        )

    async def password(self, ask: facts.NewPassword) -> facts.Presence:
        """The secret as it is, with a random value in one field."""
        if await self._content(ask) is None:
            value = "".join(random.choice(ALPHABET) for _ in range(ask.length))
            await self._keep(ask, (await self._present(ask.path)).replaced({ask.field: value}))
        return facts.Presence(exists=True)

    async def credentials(self, ask: facts.NewCredentials) -> facts.Presence:
        """The secret as it is, with a user and a password that the database engine makes for it, and their lease."""
        if await self._content(ask) is not None:
            return facts.Presence(exists=True)
        present = await self._present(ask.path)
        request = Request("GET", f"/v1/{self.database}/creds/{ask.role}", writes=True)
        document = await self.secrets.store.session.json(request)
        with reading(self.secrets.store.session.remote.name, request.path):
            made, lease = labels(mapping(document["data"])), str(document["lease_id"])
        kept = present.replaced({"username": made["username"], "password": made["password"], LEASE: lease})
        try:
            await self._keep(ask, kept)
        except ToolError:
            await self.leases.revoke(facts.LeaseName(lease=lease))  # nobody would ever know of it
            raise
        return facts.Presence(exists=True)

    async def publish(self, ask: facts.Published) -> facts.SecretState:
        """Makes what waits the next version, if that is still the planned one. Done already: nothing to do."""
        secrets = self.secrets
        seen = await secrets.seen(ask.path)
        if seen is None:
            raise ToolError(f"there is no secret {ask.path!r}; `vault.create_secret` makes one")
        done = seen.current is not None and seen.current.digest(secrets.key) == ask.digest
        if done and seen.history.latest == ask.version:
            return await secrets.state(ask.path)
        await secrets.store.put(ask.path, await self._proved(ask, ask.digest), after=ask.version - 1)
        return await secrets.state(ask.path)

    async def create(self, ask: facts.NewSecret) -> facts.SecretState:
        """Makes what waits the first version of a secret that was not there."""
        state = await self.secrets.state(ask.path)
        if not (state.exists and state.digest == ask.digest):
            await self.secrets.store.put(ask.path, await self._proved(ask, ask.digest), after=0)
        return await self.secrets.state(ask.path)

    async def discard(self, ask: facts.StagedName) -> facts.Presence:
        """Takes what waits away for good, and revokes its lease unless the secret uses it by now."""
        content = await self._content(ask)
        if content is not None:
            lease = content.texts().get(LEASE, "")
            if lease and lease != await self._lease_in_force(ask.path):
                await self.leases.revoke(facts.LeaseName(lease=lease))
            await self.secrets.store.remove(staged_path(ask.path, ask.name))
        return facts.Presence(exists=False)

    async def _lease_in_force(self, path: str) -> str:
        content = await self.secrets.store.content(path)
        return content.texts().get(LEASE, "") if content else ""

    async def _present(self, path: str) -> Content:
        return await self.secrets.store.content(path) or Content({})

    async def _content(self, ask: facts.StagedName) -> Content | None:
        return await self.secrets.store.content(staged_path(ask.path, ask.name))

    async def _proved(self, ask: facts.StagedName, digest: str) -> Content:
        content = await self._content(ask)
        if content is None:
            raise ToolError(f"nothing waits under {ask.name!r} for {ask.path!r}; stage it first")
        if content.digest(self.secrets.key) != digest:
            raise ToolError(f"what waits under {ask.name!r} for {ask.path!r} is not what was looked at; plan anew")
        return content

    async def _keep(self, ask: facts.StagedName, content: Content) -> None:
        path = staged_path(ask.path, ask.name)
        history = await self.secrets.store.history(path)
        await self.secrets.store.limit(path, {"max_versions": 1, "cas_required": True, "delete_version_after": KEPT})
        await self.secrets.store.put(path, content, after=history.latest if history else 0)
