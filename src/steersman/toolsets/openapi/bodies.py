"""Request bodies and answers, as declared: content types, their schemas, how fields of forms are written."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.remote.schemas.conversion import Schemas
from steersman.remote.schemas.document import Document
from steersman.toolsets.openapi.recipe import Body, FieldStyle, Media

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_STYLES = ("form", "spaceDelimited", "pipeDelimited", "deepObject", "tabDelimited")
_CONTENT_TYPE = 100
FILE: JsonValue = {
    "description": "a file: its name and its content, as text or in base64",
    "type": "object",
    "properties": {
        "filename": {"type": "string", "maxLength": 200},
        "content_type": {"type": "string", "maxLength": 100, "pattern": "^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$"},
        "text": {"type": "string"},
        "base64": {"type": "string"},
    },
    "additionalProperties": False,
    "oneOf": [{"required": ["text"]}, {"required": ["base64"]}],
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A body with the schema of the argument `body`."""

    body: Body
    schema: JsonValue
    parts: frozenset[str]


def is_json(content_type: str) -> bool:
    """Whether a content type is JSON or made of it."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind.endswith("+json") or kind in ("application/json", "text/json", "*/*", "application/*")


def body_of(raw: JsonValue, document: Document, schemas: Schemas) -> Sent | None:
    """The body, if there is one. Raises InputError when none of its content types can be written."""
    if raw is None:
        return None
    plain = document.plain(raw)
    content = plain.get("content")
    if not isinstance(content, dict) or not content:
        return None
    media: list[Media] = []
    parts: set[str] = set()
    for kind in sorted(filter(_can_be_written, content), key=_preferred):
        made, used = _sent(kind, content[kind], document, schemas)
        media.append(made)
        parts |= used
    if not media:
        named = ", ".join(list(content)[:4])
        raise InputError(f"its body is {named[:120]!r}; JSON, forms, multipart, text and bytes can be written")
    distinct: list[JsonValue] = []
    for each in media:
        if each.body not in distinct:
            distinct.append(each.body)
    schema: JsonValue = distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
    body = Body(required=plain.get("required") is True, media=tuple(media), several=len(media) > 1)
    return Sent(body, schema, frozenset(parts))


def answers_of(
    raw: JsonValue, document: Document, schemas: Schemas
) -> tuple[dict[str, tuple[Media, ...]], frozenset[str], str]:
    """Answers by status, the parts that they need, and why they are not checked where that cannot be done."""
    if not isinstance(raw, dict):
        return {}, frozenset(), ""
    found: dict[str, tuple[Media, ...]] = {}
    parts: set[str] = set()
    try:
        for status, value in raw.items():
            content = document.plain(value).get("content")
            media = []
            for kind, held in content.items() if isinstance(content, dict) else ():
                if is_json(kind) and isinstance(held, dict) and "schema" in held and len(kind) <= _CONTENT_TYPE:
                    schema, used = schemas.convert(held["schema"], "out")
                    parts |= used
                    media.append(Media(content_type=kind, body=schema))
            found[status.upper() if status != "default" else status] = tuple(media)
    except InputError as e:
        return {}, frozenset(), str(e)
    return found, frozenset(parts), ""


def _can_be_written(kind: str) -> bool:
    plain = kind.partition(";")[0].strip().lower()
    known = (FORM, MULTIPART, "application/octet-stream")
    return len(kind) <= _CONTENT_TYPE and (is_json(kind) or plain in known or plain.startswith("text/"))


def _preferred(kind: str) -> int:
    plain = kind.partition(";")[0].strip().lower()
    order = ["application/json", "application/merge-patch+json"]
    if plain in order:
        return order.index(plain)
    return 2 if is_json(kind) else 3 if plain == FORM else 4 if plain == MULTIPART else 5


def _sent(kind: str, raw: JsonValue, document: Document, schemas: Schemas) -> tuple[Media, frozenset[str]]:
    held = raw if isinstance(raw, dict) else {}
    plain = kind.partition(";")[0].strip().lower()
    wire = "application/json" if plain in ("*/*", "application/*") else kind
    if not is_json(kind) and plain not in (FORM, MULTIPART):
        text: JsonValue = {"type": "string"} if plain.startswith("text/") else FILE
        return Media(content_type=wire, body=text), frozenset()
    schema = held.get("schema", True)
    fields = _fields(held, schema, document, plain) if plain in (FORM, MULTIPART) else {}
    if any(style.file for style in fields.values()):
        schema = _with_files(document.plain(schema), fields)
    made, parts = schemas.convert(schema, "in")
    return Media(content_type=wire, body=made, fields=fields), parts


def _with_files(schema: JsonObject, fields: dict[str, FieldStyle]) -> JsonObject:
    """Files are no strings here: they have a name, and bytes that JSON cannot carry as they are."""
    properties = schema.get("properties")
    made = dict(properties) if isinstance(properties, dict) else {}
    for name, style in fields.items():
        if style.file:
            many = isinstance(made.get(name), dict) and made[name].get("type") == "array"  # type: ignore[union-attr]  # checked before
            made[name] = {"type": "array", "items": FILE} if many else FILE
    return {**schema, "properties": made}


def _fields(media: JsonObject, schema: JsonValue, document: Document, kind: str) -> dict[str, FieldStyle]:
    plain = document.plain(schema) if isinstance(schema, dict) else {}
    properties = plain.get("properties")
    encoding = media.get("encoding")
    said = encoding if isinstance(encoding, dict) else {}
    found: dict[str, FieldStyle] = {}
    for name, raw in properties.items() if isinstance(properties, dict) else ():
        own = said.get(name)
        held = own if isinstance(own, dict) else {}
        style = held.get("style", "form")
        if style not in _STYLES:
            raise InputError(f"field {name[:60]!r} of its body has style {str(style)[:40]!r}")
        explode = held.get("explode")
        wanted = held.get("contentType")
        found[name] = FieldStyle(
            style=style,
            explode=explode if isinstance(explode, bool) else style == "form",
            content_type=wanted.split(",")[0].strip()[:_CONTENT_TYPE] if isinstance(wanted, str) else "",
            file=kind == MULTIPART and _is_file(raw),
        )
    return found


def _is_file(raw: JsonValue) -> bool:
    if not isinstance(raw, dict):
        return False
    if raw.get("type") == "array":
        return _is_file(raw.get("items"))
    binary = raw.get("format") in ("binary", "byte") or "contentMediaType" in raw
    return raw.get("type") in ("string", None) and binary
