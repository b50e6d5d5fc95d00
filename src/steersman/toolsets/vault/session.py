"""Who asks Vault: a token that is given, or one that AppRole or Kubernetes logs in for, and again when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import httpx
from pydantic import Field, JsonValue, SecretStr

from steersman.domain.errors import ConfigError, OutcomeUnknownError, ToolError
from steersman.domain.fact import Fact, Slug
from steersman.domain.ports import Clock
from steersman.remote.exchange import Answer, Remote, Request
from steersman.remote.shape import mapping, reading

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
EARLY = 0.8
"""A token is renewed by a new login when so much of its time is over."""
FORBIDDEN = frozenset({httpx.codes.FORBIDDEN})


class TokenAuth(Fact):
    """A token that somebody else made and renews."""

    kind: Literal["token"] = "token"
    token: SecretStr


class AppRoleAuth(Fact):
    """Role and secret id, as machines get them."""

    kind: Literal["approle"] = "approle"
    role_id: SecretStr
    secret_id: SecretStr
    mount: Slug = "approle"


class KubernetesAuth(Fact):
    """The service account of the pod that Steersman runs in."""

    kind: Literal["kubernetes"] = "kubernetes"
    role: Slug
    mount: Slug = "kubernetes"
    token_file: Path = SERVICE_ACCOUNT


VaultAuth = Annotated[TokenAuth | AppRoleAuth | KubernetesAuth, Field(discriminator="kind")]
Learn = Callable[[tuple[str, ...]], None]
"""Told every token that a login gave: whoever redacts must know it."""


@dataclass(slots=True)
class Session:
    """One authenticated way to a server. Its token stands in no message and no representation."""

    remote: Remote
    auth: VaultAuth
    clock: Clock
    namespace: str = ""
    learn: Learn = lambda _: None
    _token: SecretStr | None = None
    _until: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, request: Request, *, accept: frozenset[int] = frozenset()) -> Answer:
        """The answer. A login that has run out is repeated once: what is forbidden has had no effect."""
        token = await self._current()
        answer = await self.remote.ask(self._with(request, token), accept=accept | FORBIDDEN)
        if answer.status != httpx.codes.FORBIDDEN:
            return answer
        if not isinstance(self.auth, TokenAuth) and await self._is_over(token):
            self._token = None
            return await self.remote.ask(self._with(request, await self._current()), accept=accept)
        raise ToolError(
            f"{self.remote.name} forbids {request.method} {request.path!r} to these credentials; grant the policy, or "
            "look whether the token is still good"
        )

    async def json(self, request: Request, *, accept: frozenset[int] = frozenset()) -> dict[str, JsonValue]:
        """The answer as an object."""
        answer = await self.ask(request, accept=accept)
        return await self.read(request, answer)

    async def read(self, request: Request, answer: Answer) -> dict[str, JsonValue]:
        """An answer as an object. One without a body, which is an answer too, is empty."""
        if answer.status == httpx.codes.NO_CONTENT:
            return {}
        document = self.remote.decoded(request, answer)
        with reading(self.remote.name, request.path):
            return mapping(document)

    async def data(self, request: Request) -> dict[str, JsonValue]:
        """The `data` of the answer."""
        document = await self.json(request)
        with reading(self.remote.name, request.path):
            return mapping(document.get("data"))

    async def _is_over(self, token: SecretStr) -> bool:
        probe = Request("GET", "/v1/auth/token/lookup-self")
        return (await self.remote.ask(self._with(probe, token), accept=FORBIDDEN)).status == httpx.codes.FORBIDDEN

    async def _current(self) -> SecretStr:
        if isinstance(self.auth, TokenAuth):
            return self.auth.token
        async with self._turn:
            if self._token is None or self.clock.monotonic() >= self._until:
                self._token = await self._login(self.auth)
            return self._token

    async def _login(self, auth: AppRoleAuth | KubernetesAuth) -> SecretStr:
        request = Request("POST", f"/v1/auth/{auth.mount}/login", body=_claims(auth))
        answer = await self.remote.ask(self._spaced(request), accept=frozenset({400, 403}))
        if answer.status in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN):
            raise ToolError(f"{self.remote.name} refuses the login by {auth.kind} at {auth.mount!r}; mend its settings")
        document = await self.read(request, answer)
        with reading(self.remote.name, request.path):
            given = mapping(document["auth"])
            token, seconds = str(given["client_token"]), float(str(given.get("lease_duration") or 0))
        self.learn((token,))
        self._until = self.clock.monotonic() + (seconds * EARLY if seconds else float("inf"))
        return SecretStr(token)

    def _with(self, request: Request, token: SecretStr) -> Request:
        spaced = self._spaced(request)
        return replace(spaced, headers=(*spaced.headers, ("X-Vault-Token", token.get_secret_value())))

    def _spaced(self, request: Request) -> Request:
        if not self.namespace:
            return request
        return replace(request, headers=(*request.headers, ("X-Vault-Namespace", self.namespace)))


def _claims(auth: AppRoleAuth | KubernetesAuth) -> dict[str, JsonValue]:
    if isinstance(auth, AppRoleAuth):
        return {"role_id": auth.role_id.get_secret_value(), "secret_id": auth.secret_id.get_secret_value()}
    try:
        return {"role": auth.role, "jwt": auth.token_file.read_text(encoding="utf-8").strip()}
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(
            f"the service account's token {str(auth.token_file)!r} cannot be read; mend token_file"
        ) from e


async def settled(work: Awaitable[Answer], values: tuple[str, ...]) -> Answer:
    """The answer; should a failure quote one of the values that were sent, it is taken out, and its cause dropped."""
    try:
        return await work
    except (ToolError, OutcomeUnknownError) as e:
        said = str(e)
        if not any(value and value in said for value in values):
            raise
        for value in sorted(values, key=len, reverse=True):
            said = said.replace(value, "[secret]") if value else said
        raise type(e)(said) from None
