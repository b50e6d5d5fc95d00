"""Parts of the configuration: closed, and secrets in them are references."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steersman.app.secrets import resolve
from steersman.domain.errors import ConfigError

Reference = Annotated[str, Field(pattern=r"^(env|file|vault):.+$")]
"""Where a secret is: `env:NAME`, `file:PATH` or `vault:PATH#KEY`; never the secret itself."""


class Section(BaseModel):
    """A closed part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class NoAuthSettings(Section):
    """No credentials."""

    kind: Literal["none"] = "none"


class BasicAuthSettings(Section):
    """User name and password."""

    kind: Literal["basic"]
    username: str
    password: Reference
    """The password, as `env:NAME`, `file:PATH` or `vault:PATH#KEY`."""


class BearerAuthSettings(Section):
    """A token."""

    kind: Literal["bearer"]
    token: Reference
    """The token, as `env:NAME`, `file:PATH` or `vault:PATH#KEY`."""


AuthSettings = Annotated[NoAuthSettings | BasicAuthSettings | BearerAuthSettings, Field(discriminator="kind")]


class ServerSettings(Section):
    """A server that is reached over HTTP."""

    url: str
    """Where it is, with the path prefix where there is one; no credentials in it."""
    auth: AuthSettings = NoAuthSettings()
    """`{kind: none}`, `{kind: basic, username, password}` or `{kind: bearer, token}`; secrets as references."""
    tenant: str = ""
    """Sent as `X-Scope-OrgID`; empty sends none."""
    headers: dict[str, str] = {}
    """More headers that a gateway wants; no credentials."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    client_cert_file: Path | None = None
    """PEM for mutual TLS."""
    client_key_file: Path | None = None
    """Its key, unless `client_cert_file` holds it."""
    timeout_s: float = Field(default=15.0, gt=0, le=300)
    """Seconds from the first byte sent to the last byte read."""
    max_body_bytes: int = Field(default=16 * 2**20, ge=1_024, le=2**30)
    """An answer longer than this is not read to its end."""

    def endpoint(self) -> Any:
        """As `remote.Endpoint`, secrets resolved. Raises ConfigError where a secret or the URL is none."""
        from steersman.remote.endpoint import BasicAuth, BearerAuth, Endpoint, NoAuth

        auth: NoAuth | BasicAuth | BearerAuth = NoAuth()
        if isinstance(self.auth, BasicAuthSettings):
            auth = BasicAuth(username=self.auth.username, password=resolve(self.auth.password))
        elif isinstance(self.auth, BearerAuthSettings):
            auth = BearerAuth(token=resolve(self.auth.token))
        plain = self.model_dump(include=set(Endpoint.model_fields) - {"auth"} & set(type(self).model_fields))
        plain.pop("auth", None)
        try:
            return Endpoint(auth=auth, **plain)
        except ValidationError as e:
            first = e.errors()[0]
            raise ConfigError(f"{first['loc'][0]}: {first['msg']}") from None  # a URL may hold a password


def keys(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key of a section with what it says of itself, dotted; `NAME` stands for a key of the operator's."""
    for name, field in section.model_fields.items():
        inner, named = _section_in(field.annotation)
        if inner is None:
            yield prefix + name, field.description or ""
        else:
            yield from keys(inner, f"{prefix}{name}.{'NAME.' if named else ''}")


def _section_in(annotation: Any) -> tuple[type[Section] | None, bool]:
    """The section that a field holds, and whether it holds many by name."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False
    if get_origin(annotation) is dict:
        inner = get_args(annotation)[1]
        return (inner, True) if isinstance(inner, type) and issubclass(inner, Section) else (None, False)
    if get_origin(annotation) in (Union, types.UnionType):
        found = [each for each in get_args(annotation) if isinstance(each, type) and issubclass(each, Section)]
        return (found[0], False) if len(found) == 1 else (None, False)
    return None, False
