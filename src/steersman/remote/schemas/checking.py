"""Checks values against such schemas."""

from __future__ import annotations

import jsonschema_rs
from pydantic import JsonValue

from steersman.domain.fact import JsonObject


def bundle(schema: JsonValue, parts: JsonObject) -> JsonObject:
    """A schema that stands alone, with the parts that it refers to."""
    plain: JsonObject = schema if isinstance(schema, dict) else {"allOf": [schema]}
    return {**plain, "$defs": parts} if parts else plain


def validator(schema: JsonObject) -> jsonschema_rs.Validator:
    """Checks in linear time: patterns run on an engine that never goes back."""
    return jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_refuse)


def _refuse(uri: str) -> JsonValue:
    raise ValueError(f"{uri!r} is not read")
