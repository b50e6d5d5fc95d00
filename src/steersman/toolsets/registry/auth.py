"""The token dance of registries: a 401 names where a token for one repository is to be had."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator
from typing import NoReturn

import httpx
from pydantic import SecretStr

from steersman.domain.errors import ToolError
from steersman.remote.text import one_line

_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"', re.IGNORECASE)
_SUFFIX_LABELS = 2


class TokenAuth(httpx.Auth):
    """Bearer tokens by scope, or Basic where the registry asks for it.

    Source: distribution.github.io, token authentication.
    User name and password go to the registry and to a token server of the same domain, or one that was named, only.
    """

    def __init__(self, username: str, password: SecretStr | None, *, token_hosts: frozenset[str] = frozenset()) -> None:
        self._basic = httpx.BasicAuth(username, password.get_secret_value()) if password else None
        self._hosts = token_hosts
        self._tokens: dict[str, str] = {}

    def sync_auth_flow(self, _: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Not used: everything here is asynchronous."""
        raise NotImplementedError

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sends the request with what is known, and once more with what the registry asked for."""
        place = f"{request.method in ('GET', 'HEAD')} {_repository(request.url)}"
        if place in self._tokens:
            request.headers["authorization"] = self._tokens[place]
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        challenge = response.headers.get("www-authenticate", "")
        await response.aread()
        if challenge.lower().startswith("basic") and self._basic is not None:
            request = next(self._basic.auth_flow(request))
        elif challenge.lower().startswith("bearer"):
            asking = self._question(request, dict(_PARAMETER.findall(challenge)))
            granted = yield asking
            await granted.aread()
            request.headers["authorization"] = f"Bearer {_token(granted)}"
        else:
            return
        self._tokens[place] = request.headers["authorization"]
        yield request

    def _question(self, request: httpx.Request, said: dict[str, str]) -> httpx.Request:
        realm = httpx.URL(said.get("realm", ""))
        if realm.scheme not in ("https", request.url.scheme) or not realm.host:
            raise ToolError(f"the registry names a token server that is not trusted: {one_line(str(realm))!r}")
        params = {name: said[name] for name in ("service", "scope") if said.get(name)}
        asking = httpx.Request("GET", realm.copy_merge_params(params), headers={"accept": "application/json"})
        if self._basic is None:
            return asking
        if not (_is_kin(realm.host, request.url.host) or realm.host in self._hosts):
            raise ToolError(
                f"the registry sends the credentials to {realm.host!r}; add it to `token_hosts` if that is right"
            )
        return next(self._basic.auth_flow(asking))


def _repository(url: httpx.URL) -> str:
    for kind in ("/manifests/", "/blobs/", "/tags/", "/referrers/"):
        name, found, _ = url.path.partition(kind)
        if found:
            return name
    return ""


def _is_kin(one: str, other: str) -> bool:
    """The same host, or the same domain."""
    mine, theirs = one.split(".")[-_SUFFIX_LABELS:], other.split(".")[-_SUFFIX_LABELS:]
    numbers = one.replace(".", "").isdigit() or ":" in one
    return one == other or (mine == theirs and len(mine) == _SUFFIX_LABELS and not numbers)


def _token(response: httpx.Response) -> str:
    if not response.is_success:
        _refuse(f"the token server answered {response.status_code}; look at the credentials")
    try:
        found = response.json()
        return str(found.get("token") or found["access_token"])
    except (ValueError, KeyError, AttributeError):
        _refuse("the token server gave no token")


def _refuse(why: str) -> NoReturn:
    raise ToolError(f"registry: {why}")
