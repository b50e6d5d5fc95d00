"""Swagger 2.0 operations in the shape of 3.0; schemas stay where they are and are read by their 2.0 meaning."""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.remote.schemas.document import Document

_STYLES: dict[str, tuple[str, bool]] = {
    "csv": ("form", False),
    "ssv": ("spaceDelimited", False),
    "tsv": ("tabDelimited", False),
    "pipes": ("pipeDelimited", False),
    "multi": ("form", True),
}
_OUTSIDE = frozenset({"name", "in", "description", "required", "collectionFormat", "allowEmptyValue", "$ref"})


def operation(document: Document, raw: JsonObject, parameters: list[JsonObject]) -> tuple[JsonObject, list[JsonObject]]:
    """The operation and its parameters. Raises InputError for what 2.0 does not allow."""
    kept = [_parameter(each) for each in parameters if each.get("in") not in ("body", "formData")]
    made: JsonObject = {key: value for key, value in raw.items() if key not in ("parameters", "responses")}
    body = _body(document, raw, parameters)
    if body is not None:
        made["requestBody"] = body
    produces = _types(raw.get("produces", document.root.get("produces")))
    answers = raw.get("responses")
    made["responses"] = (
        {status: _answer(document.plain(value), produces) for status, value in answers.items()}
        if isinstance(answers, dict)
        else {}
    )
    return made, kept


def servers(root: JsonObject) -> list[JsonValue]:
    """`schemes`, `host` and `basePath` as servers; empty without a host."""
    host = root.get("host")
    if not isinstance(host, str) or not host:
        return []
    base = root.get("basePath")
    schemes = root.get("schemes")
    named = [str(each) for each in schemes] if isinstance(schemes, list) and schemes else ["https"]
    ordered = sorted(named, key=lambda each: each != "https")
    path = base if isinstance(base, str) else ""
    return [{"url": f"{scheme}://{host}{path}"} for scheme in ordered if scheme in ("http", "https")]


def scheme(raw: JsonObject) -> JsonObject:
    """A security definition in the shape of 3.0."""
    match raw.get("type"):
        case "basic":
            return {"type": "http", "scheme": "basic"}
        case "oauth2":
            flow = "clientCredentials" if raw.get("flow") == "application" else "implicit"
            return {"type": "oauth2", "flows": {flow: {"tokenUrl": raw.get("tokenUrl", "")}}}
    return raw


def _parameter(raw: JsonObject) -> JsonObject:
    schema: JsonObject = {key: value for key, value in raw.items() if key not in _OUTSIDE}
    made: JsonObject = {key: raw[key] for key in ("name", "in", "description", "required") if key in raw}
    made["schema"] = schema
    if raw.get("type") == "array":
        style, explode = _STYLES.get(str(raw.get("collectionFormat", "csv")), ("form", False))
        if raw.get("in") in ("path", "header") and style == "form":
            style = "simple"
        made["style"], made["explode"] = style, explode
    return made


def _body(document: Document, raw: JsonObject, parameters: list[JsonObject]) -> JsonObject | None:
    whole = next((each for each in parameters if each.get("in") == "body"), None)
    form = [each for each in parameters if each.get("in") == "formData"]
    consumes = _types(raw.get("consumes", document.root.get("consumes")))
    if whole is not None and form:
        raise InputError("it takes a body and form fields; Swagger 2.0 allows one of them")
    if whole is not None:
        content: JsonObject = {kind: {"schema": whole.get("schema", True)} for kind in consumes or ["application/json"]}
        return {"required": whole.get("required") is True, "content": content}
    if not form:
        return None
    files = any(each.get("type") == "file" for each in form)
    kind = "multipart/form-data" if files or "multipart/form-data" in consumes else "application/x-www-form-urlencoded"
    properties: JsonObject = {}
    encoding: JsonObject = {}
    for each in form:
        name = str(each.get("name", ""))
        properties[name] = _field(each)
        if each.get("type") == "array":
            style, explode = _STYLES.get(str(each.get("collectionFormat", "csv")), ("form", False))
            encoding[name] = {"style": style, "explode": explode}
    required: list[JsonValue] = [each["name"] for each in form if each.get("required") is True]
    schema: JsonObject = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {"required": bool(required), "content": {kind: {"schema": schema, "encoding": encoding}}}


def _field(raw: JsonObject) -> JsonObject:
    schema: JsonObject = {key: value for key, value in raw.items() if key not in _OUTSIDE or key == "description"}
    return {**schema, "type": "string", "format": "binary"} if raw.get("type") == "file" else schema


def _answer(raw: JsonObject, produces: list[str]) -> JsonObject:
    if "schema" not in raw:
        return {"content": {}}
    return {"content": {kind: {"schema": raw["schema"]} for kind in produces or ["application/json"]}}


def _types(value: JsonValue) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
