"""Credentials onto requests: by what the description asks for, and only with what an operator has given."""

from __future__ import annotations

import base64
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

import httpx
from pydantic import JsonValue, SecretStr

from steersman.domain.errors import ToolError, UnavailableError
from steersman.domain.ports import Clock
from steersman.remote.exchange import Remote, Request
from steersman.toolsets.openapi.recipe import Recipe, Scheme

EARLY_S = 30.0
"""So long before it expires a token is asked for anew."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret for one scheme. `client`: id and secret of an oauth2 client, as `id:secret`, to get tokens with."""

    scheme: Scheme
    secret: SecretStr
    use: Literal["token", "client"] = "token"
    always: bool = False
    """Sent whatever the description says."""
    scope: str = ""


class Signed(httpx.Auth):
    """Puts credentials into a request at the last moment, so that no message and no log line holds them."""

    def __init__(self, parts: list[tuple[Scheme, str]]) -> None:
        self._parts = parts

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Headers, cookies and query; nothing is asked again."""
        for scheme, secret in self._parts:
            match scheme.kind:
                case "header":
                    request.headers[scheme.name] = secret
                case "bearer" | "oauth2":
                    request.headers["Authorization"] = f"Bearer {secret}"
                case "basic":
                    request.headers["Authorization"] = "Basic " + base64.b64encode(secret.encode()).decode()
                case "cookie":
                    held = request.headers.get("Cookie")
                    mine = f"{scheme.name}={quote(secret, safe='')}"
                    request.headers["Cookie"] = f"{held}; {mine}" if held else mine
                case "query":
                    more = f"{quote(scheme.name, safe='')}={quote(secret, safe='')}".encode()
                    joint = b"&" if b"?" in request.url.raw_path else b"?"
                    request.url = request.url.copy_with(raw_path=request.url.raw_path + joint + more)
        yield request


@dataclass(slots=True)
class Signer:
    """Chooses credentials for an operation, and keeps tokens while they last."""

    remote: Remote
    clock: Clock
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    token_urls: frozenset[str] = frozenset()
    """Token servers that may be asked: those on the list."""
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def sign(self, recipe: Recipe) -> Signed:
        """Raises ToolError when none of the alternatives that the operation offers has credentials here."""
        wanted = self._wanted(recipe)
        parts = [(self.credentials[name].scheme, await self._secret(name)) for name in wanted]
        return Signed(parts)

    def _wanted(self, recipe: Recipe) -> list[str]:
        always = [name for name, held in self.credentials.items() if held.always]
        alternatives = recipe.security or ()
        fitting = next((each for each in alternatives if each and all(name in self.credentials for name in each)), None)
        if fitting is not None:
            return [*dict.fromkeys([*fitting, *always])]
        if not alternatives or {} in alternatives or always:
            return always
        named = " or ".join("+".join(each) for each in alternatives)
        raise ToolError(
            f"{recipe.verb!r} wants credentials for {named[:160]!r}; import it again with --auth SCHEME=REF"
        )

    async def _secret(self, name: str) -> str:
        held = self.credentials[name]
        if held.use == "token":
            return held.secret.get_secret_value()
        token, until = self._tokens.get(name, ("", 0.0))
        if not token or self.clock.monotonic() >= until - EARLY_S:
            token, lasts_s = await self._token(name, held)
            self._tokens[name] = (token, self.clock.monotonic() + lasts_s)
        return token

    async def _token(self, name: str, held: Credential) -> tuple[str, float]:
        url = held.scheme.token_url
        if url not in self.token_urls:
            raise ToolError(f"the token server {url!r} of {name!r} is not on the list; import again with --allow {url}")
        form = [("grant_type", "client_credentials")]
        if held.scope:
            form.append(("scope", held.scope))
        client = Signed([(Scheme(kind="basic"), held.secret.get_secret_value())])
        asked = Request("POST", url, form=form, auth=client)
        answer = await self.remote.json(asked)
        return _read_token(answer, url)


def _read_token(answer: JsonValue, url: str) -> tuple[str, float]:
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise UnavailableError(f"the token server {url!r} gave no access token")
    lasts = answer.get("expires_in") if isinstance(answer, dict) else None
    plain = isinstance(lasts, (int, float)) and not isinstance(lasts, bool)
    return token, float(lasts) if plain else 300.0  # type: ignore[arg-type]  # a number by the line above
