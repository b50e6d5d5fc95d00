"""Arguments for any operation, out of its schema: for tests and adversaries that call everything there is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from random import Random

import jsonschema_rs
from pydantic import JsonValue

from steersman.domain.fact import JsonObject

OPTIONAL_SHARE = 0.5
"""How often an argument that may be left out is given."""


def arguments(schema: JsonObject, values: Sequence[JsonValue], dice: Random) -> JsonObject:
    """An object of the schema, its leaves chosen among the values that fit. A leaf that none fits is its default."""
    found = _fitting(schema, schema, values=values, dice=dice)
    return found if isinstance(found, dict) else {}


def _fitting(schema: JsonValue, whole: JsonObject, *, values: Sequence[JsonValue], dice: Random) -> JsonValue:
    if not isinstance(schema, dict):
        return None

    def inner(part: JsonValue) -> JsonValue:
        return _fitting(part, whole, values=values, dice=dice)

    if isinstance(choices := schema.get("enum"), list):
        return dice.choice(choices)
    if "const" in schema:
        return schema["const"]
    if isinstance(reference := schema.get("$ref"), str):
        return inner(_definitions(whole).get(reference.rsplit("/", 1)[-1]))
    if isinstance(ways := schema.get("anyOf") or schema.get("oneOf"), list):
        return inner(dice.choice(ways))
    if schema.get("type") == "object":
        properties, required = schema.get("properties") or {}, schema.get("required") or []
        assert isinstance(properties, dict)
        assert isinstance(required, list)
        return {
            name: inner(part) for name, part in properties.items() if name in required or dice.random() < OPTIONAL_SHARE
        }
    if schema.get("type") == "array":
        return [inner(schema.get("items") or {}) for _ in range(dice.randint(1, 2))]
    check = _validator(json.dumps({**schema, "$defs": _definitions(whole)}))
    fit = [value for value in values if check.is_valid(value)]
    return dice.choice(fit) if fit else schema.get("default")


def _definitions(whole: JsonObject) -> JsonObject:
    found = whole.get("$defs")
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=4_096)
def _validator(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(schema))
