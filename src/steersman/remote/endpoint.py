"""Where a server is and how to authenticate there; secrets arrive resolved, nothing is read from the environment."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import httpx
from pydantic import Field, SecretStr, field_validator

from steersman.domain.environment import Environment, Tier
from steersman.domain.errors import ConfigError
from steersman.domain.fact import Fact

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_RESERVED = frozenset({"authorization", "host", "content-length", "transfer-encoding", "connection"})


class NoAuth(Fact):
    """The server asks for nothing, or for a client certificate only."""

    kind: Literal["none"] = "none"


class BasicAuth(Fact):
    """User name and password."""

    kind: Literal["basic"] = "basic"
    username: str
    password: SecretStr


class BearerAuth(Fact):
    """A token, as Grafana service accounts and most gateways take it."""

    kind: Literal["bearer"] = "bearer"
    token: SecretStr


Auth = Annotated[NoAuth | BasicAuth | BearerAuth, Field(discriminator="kind")]


class Endpoint(Fact):
    """One server: URL with path prefix (`https://mimir/prometheus`), credentials, tenant, limits."""

    url: str
    auth: Auth = NoAuth()
    tenant: str = ""
    """Sent as `X-Scope-OrgID`, which Mimir, Loki and Tempo read; empty sends none."""
    headers: dict[str, str] = {}
    """More headers that a gateway wants; credentials belong in `auth`, which is never shown."""
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    """PEM with the certificate for mutual TLS, and the key unless `client_key_file` has it."""
    client_key_file: Path | None = None
    timeout_s: float = Field(default=15.0, gt=0, le=300)
    """From the first byte sent to the last byte read."""
    max_body_bytes: int = Field(default=16 * 2**20, ge=1_024, le=2**30)
    """An answer longer than this is not read to its end."""

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parsed = httpx.URL(url)
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError("wants http://host or https://host, with a path prefix where the server has one")
        if parsed.userinfo or parsed.query or parsed.fragment:
            raise ValueError("holds no credentials, query or fragment; put credentials into `auth`")
        return url.rstrip("/")

    @field_validator("tenant")
    @classmethod
    def _plain_tenant(cls, tenant: str) -> str:
        if not _HEADER_VALUE.fullmatch(tenant):
            raise ValueError("is sent as a header: printable ASCII only")
        return tenant

    @field_validator("headers")
    @classmethod
    def _plain_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"{name!r} is no header that can be sent")
            if name.lower() in _RESERVED:
                raise ValueError(f"{name!r} is set by code; credentials belong in `auth`")
        return headers


def open_client(endpoint: Endpoint, *, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """A client for the endpoint; whoever opens it closes it. Follows no redirects: credentials stay with their server.

    transport: stands in for the network. Raises ConfigError when a certificate cannot be loaded.
    """
    headers = {"accept": "application/json", "user-agent": "steersman", **headers_of(endpoint)}
    auth: httpx.Auth | None = None
    if isinstance(endpoint.auth, BasicAuth):
        auth = httpx.BasicAuth(endpoint.auth.username, endpoint.auth.password.get_secret_value())
    return httpx.AsyncClient(
        base_url=endpoint.url,
        headers=headers,
        auth=auth,
        verify=tls_of(endpoint),
        timeout=endpoint.timeout_s,
        follow_redirects=False,
        transport=transport,
    )


def identity(kind: str, name: str, tier: Tier, *, endpoint: Endpoint) -> Environment:
    """What is acted on, for servers that have no id of their own: the same URL and tenant are the same system."""
    uid = hashlib.sha256(f"{kind}\n{endpoint.url}\n{endpoint.tenant}".encode()).hexdigest()[:16]
    return Environment(kind=kind, name=name, uid=uid, url=endpoint.url, tier=tier)


def local_identity(kind: str, name: str, tier: Tier, *, place: Path) -> Environment:
    """What is acted on, for a folder of this machine: the same path is the same system."""
    uid = hashlib.sha256(f"{kind}\n{place}".encode()).hexdigest()[:16]
    return Environment(kind=kind, name=name, uid=uid, url=place.as_uri(), tier=tier)


def list_identity(kind: str, name: str, tier: Tier, *, names: Sequence[str]) -> Environment:
    """What is looked at, for checks that any server may answer: the same list is the same system."""
    shown = ",".join(sorted(names))
    uid = hashlib.sha256(f"{kind}\n{shown}".encode()).hexdigest()[:16]
    return Environment(kind=kind, name=name, uid=uid, url=shown, tier=tier)


def headers_of(endpoint: Endpoint) -> dict[str, str]:
    """What every request bears: the configured ones, the tenant, the token."""
    headers = dict(endpoint.headers)
    if endpoint.tenant:
        headers["X-Scope-OrgID"] = endpoint.tenant
    if isinstance(endpoint.auth, BearerAuth):
        headers["Authorization"] = f"Bearer {endpoint.auth.token.get_secret_value()}"
    return headers


def basic_header(endpoint: Endpoint) -> dict[str, str]:
    """User name and password as a header, for what is no httpx client; nothing without them."""
    if not isinstance(endpoint.auth, BasicAuth):
        return {}
    pair = f"{endpoint.auth.username}:{endpoint.auth.password.get_secret_value()}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def tls_of(endpoint: Endpoint) -> ssl.SSLContext | bool:
    """Which certificates are trusted and shown; True: what the system trusts, and none."""
    if endpoint.ca_file is None and endpoint.client_cert_file is None:
        return True
    try:
        context = ssl.create_default_context(cafile=endpoint.ca_file)
        if endpoint.client_cert_file is not None:
            context.load_cert_chain(endpoint.client_cert_file, endpoint.client_key_file)
    except (OSError, ssl.SSLError) as e:
        raise ConfigError(f"TLS for {endpoint.url!r}: {e}; look at ca_file, client_cert_file, client_key_file") from e
    return context
