"""What is taken over of a JSON Schema keyword: only what has the right type, so that what we make always compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import jsonschema_rs
from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.remote.text import one_line

Side = Literal["in", "out"]
"""`in`: what is sent, without read-only properties; `out`: what is answered, without write-only ones."""

TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
MAX_ENUM = 10_000
DESCRIPTION = 200
"""Characters kept of a description: it is shown to models and people, and is untrusted."""

BOUNDS = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


def _number(value: JsonValue) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value  # noqa: PLR0124  # NaN


def _count(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _positive(value: JsonValue) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _truth(value: JsonValue) -> bool:
    return isinstance(value, bool)


def _text(value: JsonValue) -> bool:
    return isinstance(value, str)


SCALARS: dict[str, Callable[[JsonValue], bool]] = {
    "maximum": _number,
    "minimum": _number,
    "exclusiveMaximum": _number,
    "exclusiveMinimum": _number,
    "multipleOf": _positive,
    "maxLength": _count,
    "minLength": _count,
    "maxItems": _count,
    "minItems": _count,
    "maxProperties": _count,
    "minProperties": _count,
    "minContains": _count,
    "maxContains": _count,
    "uniqueItems": _truth,
    "format": _text,
}
"""Keyword to the test that its value must pass."""


def types_of(value: JsonValue) -> list[str]:
    """The types that are named; empty when none is known (`any`, `file`): then nothing is said."""
    named = value if isinstance(value, list) else [value]
    return [item for item in named if isinstance(item, str) and item in TYPES]


def enum_of(value: JsonValue) -> list[JsonValue]:
    """The values of an `enum`. Raises InputError when there are too many; not a list: none."""
    if not isinstance(value, list):
        return []
    if len(value) > MAX_ENUM:
        raise InputError(f"an enum of {len(value):,} values; the limit is {MAX_ENUM:,}")
    return value


def checked_pattern(value: str) -> bool:
    """Whether a pattern runs in linear time and bounded memory; look-around and back references do not."""
    try:
        jsonschema_rs.validator_for(
            {"type": "string", "pattern": value}, pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20)
        )
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def described(value: JsonValue) -> str:
    """A description in one short, plain line."""
    return one_line(value, limit=DESCRIPTION) if isinstance(value, str) else ""
