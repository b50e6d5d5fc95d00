"""Encryption as a service: keys that never leave, plain text that never shows."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import httpx

from steersman.domain.errors import InputError, ToolError
from steersman.domain.reference import place_of
from steersman.remote.exchange import Request
from steersman.remote.shape import mapping, reading
from steersman.toolsets.vault import facts
from steersman.toolsets.vault.content import Content
from steersman.toolsets.vault.secrets import Secrets
from steersman.toolsets.vault.session import Session, settled

UNKNOWN = frozenset({httpx.codes.NOT_FOUND})
CLIENT_ERROR = frozenset({httpx.codes.BAD_REQUEST})


@dataclass(frozen=True, slots=True)
class Transit:
    """One transit engine."""

    secrets: Secrets
    mount: str

    async def state(self, ask: facts.KeyName) -> facts.KeyState:
        """A key by its versions."""
        request = Request("GET", f"/v1/{self.mount}/keys/{ask.key}")
        answer = await self._session.ask(request, accept=UNKNOWN)
        if answer.status == httpx.codes.NOT_FOUND:
            return facts.KeyState(exists=False)
        document = await self._session.read(request, answer)
        with reading(self._session.remote.name, request.path):
            latest = int(str(mapping(document["data"])["latest_version"]))
            return facts.KeyState(exists=True, latest_version=latest)

    async def rotate(self, ask: facts.KeyRotation) -> facts.KeyState:
        """Adds a version to a key. The planned one is there: nothing to do."""
        now = await self.state(facts.KeyName(key=ask.key))
        if now.latest_version != ask.version:
            if now.latest_version != ask.version - 1:
                raise ToolError(f"key {ask.key!r} is at version {now.latest_version}, not {ask.version - 1}; plan anew")
            await self._session.ask(Request("POST", f"/v1/{self.mount}/keys/{ask.key}/rotate", writes=True))
        return await self.state(facts.KeyName(key=ask.key))

    async def encrypt(self, ask: facts.Plain) -> facts.Encrypted:
        """What a reference holds, as text that only the key opens."""
        place = place_of(ask.reference)
        if not place.field:
            raise InputError("encrypt takes the reference of one field: vault:PATH#FIELD")
        value = (await self.secrets.reveal(place))[place.field]
        plain = base64.b64encode(value.encode()).decode()
        request = Request("POST", f"/v1/{self.mount}/encrypt/{ask.key}", body={"plaintext": plain})
        document = await self._session.read(request, await settled(self._session.ask(request), (value, plain)))
        with reading(self._session.remote.name, request.path):
            return facts.Encrypted(ciphertext=str(mapping(document["data"])["ciphertext"]))

    async def rewrap(self, ask: facts.Cipher) -> facts.Encrypted:
        """The same under the newest version of the key; nothing is opened outside of the server."""
        data = await self._session.data(
            Request("POST", f"/v1/{self.mount}/rewrap/{ask.key}", body={"ciphertext": ask.ciphertext})
        )
        with reading(self._session.remote.name, "rewrap"):
            return facts.Encrypted(ciphertext=str(data["ciphertext"]))

    async def check(self, ask: facts.Cipher) -> facts.Decrypted:
        """Whether the key opens it. What comes out is compared by digest, and forgotten."""
        request = Request("POST", f"/v1/{self.mount}/decrypt/{ask.key}", body={"ciphertext": ask.ciphertext})
        answer = await self._session.ask(request, accept=CLIENT_ERROR)
        if answer.status == httpx.codes.BAD_REQUEST:
            return facts.Decrypted(opens=False)
        document = await self._session.read(request, answer)
        try:
            plain = base64.b64decode(str(mapping(document["data"])["plaintext"])).decode(errors="replace")
        except (KeyError, TypeError, ValueError):
            raise ToolError(f"{request.path!r} answered something that is no decrypted text") from None
        return facts.Decrypted(opens=True, digest=Content({"value": plain}).digest(self.secrets.key))

    @property
    def _session(self) -> Session:
        return self.secrets.store.session
