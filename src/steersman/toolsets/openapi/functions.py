"""A plain list of functions with JSON Schemas, as an OpenAPI 3.1 document: for services that have no description.

[{"name": "scale", "description": "...", "method": "POST", "path": "/scale", "input": {...}, "output": {...}}]

`method` is POST and `path` is `/NAME` unless said. `input` may be called `parameters`, `input_schema` or `inputSchema`.
"""

from __future__ import annotations

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject

_INPUT = ("input", "parameters", "input_schema", "inputSchema")
_OUTPUT = ("output", "output_schema", "outputSchema")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def is_list_of_functions(root: JsonObject) -> bool:
    """Whether a document is such a list, under `functions` or `tools`, and no OpenAPI description."""
    return "openapi" not in root and "swagger" not in root and _listed(root) is not None


def described(root: JsonObject) -> JsonObject:
    """The list as a description. Raises InputError for a function without a name, or one that is there twice."""
    paths: dict[str, dict[str, JsonValue]] = {}
    for number, raw in enumerate(_listed(root) or []):
        inner = raw.get("function") if isinstance(raw, dict) and isinstance(raw.get("function"), dict) else raw
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            raise InputError(f"function {number} has no name; wants name, description, input")
        method, path = str(inner.get("method", "POST")).upper(), str(inner.get("path", f"/{inner['name']}"))
        if method not in _METHODS:
            raise InputError(f"function {inner['name']!r}: method {method!r} is none of {', '.join(_METHODS)}")
        held = paths.setdefault(path, {})
        if method.lower() in held:
            raise InputError(f"function {inner['name']!r}: {method} {path} is there twice; give it a path of its own")
        held[method.lower()] = _operation(inner, reads=method in ("GET", "HEAD"))
    made: JsonObject = {
        "openapi": "3.1.0",
        "info": {"title": "functions", "version": "1"},
        "paths": dict[str, JsonValue](paths),
    }
    if "servers" in root:
        made["servers"] = root["servers"]
    return made


def _operation(raw: JsonObject, *, reads: bool) -> JsonObject:
    takes = next((raw[key] for key in _INPUT if key in raw), None)
    gives = next((raw[key] for key in _OUTPUT if key in raw), None)
    made: JsonObject = {
        "operationId": raw["name"],
        "description": raw.get("description", ""),
        "responses": {"default": {"content": {"application/json": {"schema": gives}} if gives is not None else {}}},
    }
    if takes is None:
        return made
    if not reads:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": takes}}}
        return made
    fields = takes.get("properties") if isinstance(takes, dict) else None
    required = takes.get("required") if isinstance(takes, dict) else None
    needed = required if isinstance(required, list) else []
    made["parameters"] = [
        {"name": name, "in": "query", "required": name in needed, "schema": schema}
        for name, schema in (fields.items() if isinstance(fields, dict) else ())
    ]
    return made


def _listed(root: JsonObject) -> list[JsonValue] | None:
    found = root.get("functions", root.get("tools"))
    return found if isinstance(found, list) else None
