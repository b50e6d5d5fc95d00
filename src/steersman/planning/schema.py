"""JSON Schema for plans: values against schemas, with holes where expressions stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

import jsonschema_rs
from pydantic import JsonValue

from steersman.domain.expression import is_expression
from steersman.domain.fact import JsonObject

COMBINING = frozenset({"anyOf", "oneOf", "allOf", "not", "if", "contains", "dependentSchemas", "uniqueItems", "enum"})
TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a value breaks its schema, and how."""

    path: Path
    message: str


def validator(schema: JsonObject) -> jsonschema_rs.Validator:
    """A compiled schema that never reaches for the network and whose patterns take linear time.

    Raises ValueError when the schema is none.
    """
    compiled: jsonschema_rs.Validator = jsonschema_rs.validator_for(
        schema, retriever=_refuse, pattern_options=jsonschema_rs.RegexOptions()
    )
    return compiled


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"schemas may not refer to {uri!r}: remote references are not read")


def faults(compiled: jsonschema_rs.Validator, value: JsonValue) -> list[Fault]:
    """Everything that is wrong with a value whose expressions stand for values that are not known yet."""
    gaps = [path for path, _ in holes(value)]
    found = []
    for error in compiled.iter_errors(value):
        path: Path = tuple(error.instance_path)
        keyword = next((k for k in error.schema_path if k in COMBINING), None)
        if any(path[: len(gap)] == gap for gap in gaps):
            continue
        if keyword is not None and any(gap[: len(path)] == path for gap in gaps):
            continue  # whether the alternative fits shows only when the value is there: the gate validates again
        found.append(Fault(path, error.message))
    return found


def holes(value: JsonValue, at: Path = ()) -> Iterator[tuple[Path, JsonObject]]:
    """Every expression inside a value, with its place."""
    if isinstance(value, dict):
        if is_expression(value):
            yield at, value
            return
        for key, item in value.items():
            yield from holes(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from holes(item, (*at, index))


def inside(schema: JsonValue, path: Sequence[str | int]) -> JsonObject | None:
    """The sub-schema of the value at a path: {} when anything goes, None when nothing can be there."""
    here = schema
    for key in path:
        if not isinstance(here, dict):
            return {} if here is not False else None
        here = _child(here, str(key))
        if here is False:
            return None
    return here if isinstance(here, dict) else ({} if here is not False else None)


def _child(schema: JsonObject, key: str) -> JsonValue:
    if "$ref" in schema or COMBINING & schema.keys():
        return {}
    properties = schema.get("properties")
    if isinstance(properties, dict) and key in properties:
        return properties[key]
    if schema.get("type") == "array" or "items" in schema:
        return schema.get("items", {}) if key.isdecimal() else False
    if "patternProperties" in schema:
        return {}
    if isinstance(properties, dict) and properties and "additionalProperties" not in schema:
        return False  # an output that is not declared cannot be relied on
    extra = schema.get("additionalProperties", {})
    scalar = isinstance(schema.get("type"), str) and schema["type"] != "object"
    return False if scalar else extra


def types(schema: JsonObject) -> frozenset[str]:
    """The JSON types that a schema admits, as far as its keywords say; `integer` is a kind of `number`."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list):
        return frozenset(_type(value) for value in values)
    named = schema.get("type")
    if isinstance(named, str):
        return frozenset({named})
    if isinstance(named, list):
        return frozenset(str(name) for name in named)
    return frozenset(TYPES)


def narrows(produced: JsonObject, wanted: JsonObject) -> bool:
    """Whether every value of the first schema has a type, and where listed a value, that the second admits."""
    allowed = types(wanted)
    if not all(t in allowed or (t == "integer" and "number" in allowed) for t in types(produced)):
        return False
    want, give = _listed(wanted), _listed(produced)
    return want is None or (give is not None and all(value in want for value in give))


def merged(produced: JsonObject, bounds: JsonObject) -> JsonObject | None:
    """What the producer gives within the bounds, by type and listed values; None when nothing is left."""
    give, bound = types(produced), types(bounds)
    both = {t for t in give if t in bound or (t == "integer" and "number" in bound)}
    both |= {t for t in bound if t == "integer" and "number" in give}
    one, other = _listed(produced), _listed(bounds)
    if one is not None or other is not None:
        values = one if other is None else other if one is None else [v for v in one if v in other]
        kept: list[JsonValue] = [v for v in values or [] if _type(v) in both or ("number" in both)]
        return {"enum": kept} if kept else None
    named: list[JsonValue] = [name for name in TYPES if name in both]
    return {"type": named} if both else None


def _listed(schema: JsonObject) -> list[JsonValue] | None:
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    return [*values] if isinstance(values, list) else None


def _type(value: JsonValue) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def pointer_text(path: Sequence[str | int]) -> str:
    """A path as a JSON Pointer. Source: RFC 6901."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)


def pointer_path(text: str) -> tuple[str, ...]:
    """A JSON Pointer as a path."""
    return tuple(raw.replace("~1", "/").replace("~0", "~") for raw in text.split("/")[1:])
