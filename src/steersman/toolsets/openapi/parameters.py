"""One declared parameter: how its value will be written."""

from __future__ import annotations

import re

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.toolsets.openapi.recipe import Parameter, Place, Style

MAX_NAME = 200
TAKEN = frozenset({"body", "content_type"})
"""Arguments of our own."""

_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""OpenAPI says that parameters of these names are ignored: they are set from elsewhere."""
_FORBIDDEN_HEADERS = re.compile(
    r"host|content-length|transfer-encoding|connection|cookie|te|trailer|upgrade|expect|proxy-.*|keep-alive",
    re.IGNORECASE,
)
"""Headers by which an argument would change the request itself."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_STYLES: dict[Place, tuple[Style, ...]] = {
    "path": ("simple", "label", "matrix", "spaceDelimited", "pipeDelimited", "tabDelimited"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject", "tabDelimited"),
    "header": ("simple",),
    "cookie": ("form",),
}
"""The first is the default. Delimited paths come from Swagger 2.0."""


def skipped(raw: JsonObject) -> bool:
    """Whether a parameter is none of the caller's: OpenAPI says to ignore it, or it would change the request itself."""
    name = str(raw.get("name", "")).lower()
    return raw.get("in") == "header" and (name in _IGNORED_HEADERS or bool(_FORBIDDEN_HEADERS.fullmatch(name)))


def parameter_of(raw: JsonObject, argument: str) -> tuple[Parameter, JsonValue]:
    """The parameter and its schema. Raises InputError for a place, style or name that does not exist."""
    name, place = raw.get("name"), raw.get("in")
    if not isinstance(name, str) or not name or len(name) > MAX_NAME:
        raise InputError(f"a parameter in {place!r} has no usable name")
    if place not in _STYLES:
        raise InputError(f"parameter {name!r} stands in {place!r}, wants path, query, header or cookie")
    at: Place = place
    if at in ("header", "cookie") and not _HEADER_NAME.fullmatch(name):
        raise InputError(f"parameter {name!r} is no name for a {at}")
    style = raw.get("style", _STYLES[at][0])
    if style not in _STYLES[at]:
        raise InputError(f"parameter {name!r} has style {style!r}; a {at} has {', '.join(_STYLES[at])}")
    content = raw.get("content")
    as_json = isinstance(content, dict) and bool(content)
    explode = raw.get("explode")
    made = Parameter(
        argument=argument,
        name=name,
        place=at,
        style=style,
        explode=explode if isinstance(explode, bool) else style == "form",
        required=raw.get("required") is True or at == "path",
        reserved=raw.get("allowReserved") is True and at == "query",
        as_json=as_json,
    )
    return made, _content_schema(name, content) if isinstance(content, dict) and content else raw.get("schema", True)


def _content_schema(name: str, content: JsonObject) -> JsonValue:
    ((kind, media), *more) = content.items()
    if more or not (kind.endswith(("/json", "+json")) and isinstance(media, dict)):
        raise InputError(f"parameter {name!r} has content {kind[:60]!r}; only JSON can be written")
    return media.get("schema", True)
