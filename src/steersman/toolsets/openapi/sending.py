"""Arguments to one request: pure, so that what would be sent can be looked at."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.toolsets.openapi import writing
from steersman.toolsets.openapi.bodies import FORM, MULTIPART, is_json
from steersman.toolsets.openapi.recipe import FieldStyle, Media, Recipe


@dataclass(frozen=True, slots=True)
class Written:
    """A request without its server and credentials."""

    method: str
    target: str
    """Path and query, encoded."""
    headers: list[tuple[str, str]] = field(default_factory=list)
    content: bytes | None = None


def write(recipe: Recipe, arguments: JsonObject, *, boundary: str = "") -> Written:
    """The request that the arguments make.

    boundary: between the parts of a multipart body; made anew when it is not given. Raises InputError for a value that
    cannot be written where it belongs.
    """
    path, query = recipe.path, list[tuple[str, str]]()
    headers, cookies = list[tuple[str, str]](), list[str]()
    for each in recipe.parameters:
        value = arguments.get(each.argument)
        if each.argument not in arguments:
            continue
        match each.place:
            case "path":
                path = path.replace(f"{{{each.name}}}", writing.in_path(each, value))
            case "query":
                query += writing.in_query(each, value)
            case "header" if value is not None:
                headers.append((each.name, writing.in_header(each, value)))
            case "cookie" if value is not None:
                cookies.append(writing.in_cookie(each, value))
    if cookies:
        headers.append(("Cookie", "; ".join(cookies)))
    if "{" in path:
        raise InputError(f"{recipe.verb!r}: a value for its path {recipe.path!r} is missing")
    content = _content(recipe, arguments, headers, boundary)
    target = path + ("?" + writing.query(query) if query else "")
    return Written(recipe.method, target, headers, content)


def media_of(recipe: Recipe, arguments: JsonObject) -> Media | None:
    """In which form the body is sent; None without a body."""
    if recipe.body is None or "body" not in arguments:
        return None
    wanted = arguments.get("content_type", recipe.body.media[0].content_type)
    return next((each for each in recipe.body.media if each.content_type == wanted), recipe.body.media[0])


def _content(recipe: Recipe, arguments: JsonObject, headers: list[tuple[str, str]], boundary: str) -> bytes | None:
    media = media_of(recipe, arguments)
    if media is None:
        return None
    body, kind = arguments["body"], media.content_type
    plain = kind.partition(";")[0].strip().lower()
    if plain == FORM:
        headers.append(("Content-Type", kind))
        return _form(media, _fields(body, kind)).encode()
    if plain == MULTIPART:
        mark = boundary or secrets.token_hex(16)
        headers.append(("Content-Type", f"{plain}; boundary={mark}"))
        return b"".join(_multipart(media, _fields(body, kind), mark))
    headers.append(("Content-Type", kind))
    if is_json(kind):
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return body.encode() if isinstance(body, str) else _bytes(body)


def _fields(body: JsonValue, kind: str) -> JsonObject:
    if not isinstance(body, dict):
        raise InputError(f"a body of {kind!r} is an object of fields")
    return body


def _form(media: Media, body: JsonObject) -> str:
    written: list[tuple[str, str]] = []
    for name, value in body.items():
        style = media.fields.get(name, FieldStyle())
        if _is_nested(value) and style.style == "form":
            rows = value if isinstance(value, list) else [value]
            written += [(quote(name, safe=""), quote(json.dumps(row, ensure_ascii=False), safe="")) for row in rows]
        else:
            written += writing.pairs(name, value, style.style, explode=style.explode)
    return writing.query(written)


def _multipart(media: Media, body: JsonObject, mark: str) -> Iterator[bytes]:
    for name, value in body.items():
        style = media.fields.get(name, FieldStyle())
        for row in value if isinstance(value, list) else [value]:
            yield f"--{mark}\r\n".encode()
            if style.file and isinstance(row, dict):
                kind = row.get("content_type") or style.content_type or "application/octet-stream"
                yield _head(name, str(kind), str(row.get("filename", name)))
                yield _bytes(row)
            elif isinstance(row, (dict, list)):
                yield _head(name, style.content_type or "application/json")
                yield json.dumps(row, ensure_ascii=False).encode()
            else:
                yield _head(name, style.content_type or "text/plain; charset=utf-8")
                yield (row if isinstance(row, str) else json.dumps(row)).encode()
            yield b"\r\n"
    yield f"--{mark}--\r\n".encode()


def _head(name: str, kind: str, filename: str = "") -> bytes:
    said = f'; filename="{_quotable(filename)}"' if filename else ""
    safe_kind = "".join(c for c in kind if c.isascii() and c.isprintable())
    return (
        f'Content-Disposition: form-data; name="{_quotable(name)}"{said}\r\nContent-Type: {safe_kind}\r\n\r\n'.encode()
    )


def _quotable(text: str) -> str:
    """As browsers write it: what would end the name or the line is percent-encoded."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _is_nested(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return True
    return isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)


def _bytes(value: JsonValue) -> bytes:
    if not isinstance(value, dict):
        raise InputError("a file is given as {'text': ...} or {'base64': ...}")
    if isinstance(value.get("text"), str):
        return str(value["text"]).encode()
    try:
        return base64.b64decode(str(value.get("base64", "")), validate=True)
    except (binascii.Error, ValueError) as e:
        raise InputError(f"a file's base64 cannot be read: {e}") from e
