"""From the bytes of a description to what is kept: everything is decided here, before anything can be called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import httpx
from pydantic import StringConstraints

from steersman.domain.environment import Tier
from steersman.domain.errors import ConfigError, InputError
from steersman.domain.fact import Digest, Fact
from steersman.domain.overlay import Overlay
from steersman.remote.addresses import networks
from steersman.remote.text import one_line
from steersman.toolsets.openapi.compiling import Compiler, LeftOut
from steersman.toolsets.openapi.kept import AuthRef, Manifest, Rows, content_of
from steersman.toolsets.openapi.operations import must_fit
from steersman.toolsets.openapi.reading import read
from steersman.toolsets.openapi.recipe import Scheme

ALWAYS = ("bearer", "basic", "header:", "query:")
"""Credentials that need no scheme in the description."""


class Wish(Fact):
    """What the operator says about an import."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
    source: str
    server: str = ""
    """Empty: the first of the description."""
    allowed: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    tier: Tier = "prod"
    auth: tuple[AuthRef, ...] = ()
    overlay: Overlay = Overlay()
    by: str


@dataclass(frozen=True, slots=True)
class Made:
    """What an import came to."""

    manifest: Manifest
    rows: Rows
    left_out: tuple[LeftOut, ...]
    weaker: tuple[LeftOut, ...]
    unchecked_patterns: int


def import_description(data: bytes, wish: Wish, *, now: datetime) -> Made:
    """Compiles all of it. Raises InputError in one line for what cannot be used at all."""
    compiler = Compiler.of(read(data, name=wish.source))
    content, rows = content_of(compiler.recipes(), compiler.schemas)
    if not rows.operations:
        why = f": {compiler.left_out[0].where}: {compiler.left_out[0].why}" if compiler.left_out else ""
        raise InputError(f"{wish.source!r} has no operation that can be taken over{why}")
    must_fit(wish.overlay, frozenset(row[0] for row in rows.operations))
    server, typed = _server(wish, compiler.servers())
    schemes = compiler.schemes()
    _must_name_schemes(wish.auth, schemes)
    info = compiler.document.root.get("info")
    manifest = Manifest(
        name=wish.name,
        title=one_line(str(info.get("title", "")), limit=100) if isinstance(info, dict) else "",
        source=wish.source,
        source_digest=Digest("sha256:" + hashlib.sha256(data).hexdigest()),
        server=server,
        allowed=tuple(_base(each) for each in wish.allowed),
        networks=(*_checked_networks(wish.networks), *(_literal(server) if typed else ())),
        tier=wish.tier,
        auth=wish.auth,
        schemes=schemes,
        overlay=wish.overlay,
        operations=len(rows.operations),
        imported_at=now,
        imported_by=wish.by,
        content=content,
    )
    weaker = tuple(compiler.weaker)
    return Made(manifest, rows, tuple(compiler.left_out), weaker, len(compiler.schemas.unchecked))


def scheme_of(name: str, schemes: dict[str, Scheme]) -> Scheme:
    """The scheme that a credential is for. Raises ConfigError when there is none of that name."""
    if name in schemes:
        return schemes[name]
    kind, _, header = name.partition(":")
    match kind:
        case "bearer" | "basic" if not header:
            return Scheme(kind=kind)
        case "header" | "query" if header:
            return Scheme(kind=kind, name=header)
    known = ", ".join([*sorted(schemes)[:8], "bearer", "basic", "header:NAME", "query:NAME"])
    raise ConfigError(f"there is no auth scheme {name!r}; known are {known}")


def _must_name_schemes(auth: tuple[AuthRef, ...], schemes: dict[str, Scheme]) -> None:
    for each in auth:
        scheme = scheme_of(each.name, schemes)
        if each.use == "client" and not scheme.token_url:
            raise ConfigError(
                f"auth {each.name!r} has no token URL in the description; give a token, without 'client:'"
            )


def _server(wish: Wish, offered: tuple[str, ...]) -> tuple[str, bool]:
    """The base URL, and whether the operator typed it."""
    if wish.server:
        return _base(wish.server), True
    for text in offered:
        try:
            return _base(text), False
        except ConfigError:
            continue
    said = f"it names {offered[0]!r}" if offered else "it names none"
    raise ConfigError(f"{wish.source!r}: which server? {said}; give --server https://HOST/BASE")


def _base(text: str) -> str:
    """A base URL in one spelling. Raises ConfigError for one that is none, or carries credentials."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as e:
        raise ConfigError(f"{text[:120]!r} is no URL: {e}") from e
    if url.scheme not in ("http", "https") or not url.host or "{" in text:
        raise ConfigError(f"{text[:120]!r} is no http(s) URL with a host")
    if url.userinfo or url.query or url.fragment:
        raise ConfigError(f"server {url.host!r}: no credentials, query or fragment in its URL; use --auth")
    return str(url).rstrip("/")


def _literal(server: str) -> tuple[str, ...]:
    """An operator who names a server by its address has listed that address."""
    try:
        networks([httpx.URL(server).host])
    except ConfigError:
        return ()
    return (httpx.URL(server).host,)


def _checked_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    networks(texts)
    return texts
