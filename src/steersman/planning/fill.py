"""Templates: `{parameter}` in the strings of a method, filled once, with types kept."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.domain.plan import Check

HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(value: JsonValue, scope: Mapping[str, JsonValue]) -> JsonValue:
    """The value with its holes filled. A string that is one hole takes the parameter's type.

    What is filled in is never looked at again, so a parameter cannot smuggle in another hole.
    Raises InputError for a hole that nothing fills.
    """
    match value:
        case str():
            whole = HOLE.fullmatch(value)
            return _value(whole[1], scope) if whole else fill_text(value, scope)
        case dict():
            return {fill_text(key, scope): fill(item, scope) for key, item in value.items()}
        case list():
            return [fill(item, scope) for item in value]
        case _:
            return value


def fill_object(value: JsonObject, scope: Mapping[str, JsonValue]) -> JsonObject:
    """The same for an object."""
    return {fill_text(key, scope): fill(item, scope) for key, item in value.items()}


def fill_text(text: str, scope: Mapping[str, JsonValue]) -> str:
    """The text with its holes filled by the parameters' texts."""
    return HOLE.sub(lambda hole: _text(hole[1], scope), text)


def fill_check(check: Check, scope: Mapping[str, JsonValue]) -> Check:
    """A check of a method, for these parameters."""
    filled = fill(check.model_dump(mode="json"), scope)
    return Check.model_validate(filled)


def _value(name: str, scope: Mapping[str, JsonValue]) -> JsonValue:
    if name not in scope:
        raise InputError(
            f"the scenario refers to {{{name}}}, and there is only {', '.join(sorted(scope)) or 'nothing'}"
        )
    return scope[name]


def _text(name: str, scope: Mapping[str, JsonValue]) -> str:
    value = _value(name, scope)
    if isinstance(value, (dict, list)) or value is None:
        raise InputError(f"the scenario puts {{{name}}} into a text, and it is {value!r}: make it a whole value")
    return str(value).lower() if isinstance(value, bool) else str(value)
