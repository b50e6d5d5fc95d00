"""Leases and Steersman's own token: how long they live, longer, and no longer."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from pydantic import JsonValue

from steersman.remote.exchange import Request
from steersman.remote.shape import mapping, reading, texts
from steersman.toolsets.vault import facts
from steersman.toolsets.vault.session import Session

UNKNOWN = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases of one server."""

    session: Session

    async def state(self, ask: facts.LeaseName) -> facts.Presence:
        """Whether it is still good."""
        return facts.Presence(exists=(await self.describe(ask)).exists)

    async def describe(self, ask: facts.LeaseName) -> facts.LeaseFacts:
        """A lease; one that was revoked is as if it had never been."""
        request = Request("PUT", "/v1/sys/leases/lookup", body={"lease_id": ask.lease})
        answer = await self.session.ask(request, accept=UNKNOWN)
        if answer.status in UNKNOWN:
            return facts.LeaseFacts(exists=False)
        document = await self.session.read(request, answer)
        with reading(self.session.remote.name, request.path):
            data = mapping(document["data"])
            return facts.LeaseFacts(
                exists=True,
                ttl_s=int(str(data["ttl"])),
                renewable=data["renewable"] is True,
                expires_at=str(data.get("expire_time") or ""),
            )

    async def renew(self, ask: facts.Renewal) -> facts.Presence:
        """Gives it more time, as far as its role allows."""
        body: JsonValue = {"lease_id": ask.lease, "increment": ask.increment_s}
        await self.session.ask(Request("PUT", "/v1/sys/leases/renew", body=body, writes=True))
        return facts.Presence(exists=True)

    async def revoke(self, ask: facts.LeaseName) -> facts.Presence:
        """Ends it for good; the credentials behind it are gone when this answers."""
        body: JsonValue = {"lease_id": ask.lease, "sync": True}
        await self.session.ask(Request("PUT", "/v1/sys/leases/revoke", body=body, writes=True), accept=UNKNOWN)
        return await self.state(ask)

    async def token(self, _: facts.Nothing) -> facts.TokenFacts:
        """What Steersman's own token is."""
        data = await self.session.data(Request("GET", "/v1/auth/token/lookup-self"))
        with reading(self.session.remote.name, "lookup-self"):
            return facts.TokenFacts(
                ttl_s=int(str(data["ttl"])),
                renewable=data.get("renewable") is True,
                policies=texts(data.get("policies")),
                kind=str(data.get("type", "")),
            )

    async def good(self, ask: facts.Nothing) -> facts.Presence:
        """Whether the server knows Steersman's own token."""
        await self.token(ask)
        return facts.Presence(exists=True)

    async def renew_token(self, ask: facts.TokenRenewal) -> facts.TokenFacts:
        """Gives Steersman's own token more time."""
        body: JsonValue = {"increment": f"{ask.increment_s}s"}
        await self.session.ask(Request("POST", "/v1/auth/token/renew-self", body=body, writes=True))
        return await self.token(facts.Nothing())
