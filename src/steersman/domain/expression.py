"""Arguments that only later steps know: references inside JSON, resolved by code.

An expression is a JSON object with exactly one of these keys:

    {"$from": {"step": "build", "path": "/digest", "bounds": {"type": "string", "pattern": "^sha256:"}}}
    {"$arg": "/service"}      an argument of the operation itself (in an operation's probe, after and inverse)
    {"$before": "/weights"}   the state that was observed just before the step (in an inverse)

`path` is a JSON Pointer (RFC 6901). `bounds` is a JSON Schema that the value must satisfy; what was approved is the
expression with its bounds, so a value outside of them needs an approval of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue, ValidationError

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import StepId

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")

KEYS = ("$from", "$arg", "$before")


class FromStep(Fact):
    """A value out of the output of a former step."""

    step: StepId
    path: str
    bounds: JsonObject = {}


@dataclass(frozen=True, slots=True)
class Scope:
    """What expressions may refer to; a missing part makes a reference to it an error."""

    arguments: JsonObject | None = None
    before: JsonObject | None = None
    outputs: Mapping[StepId, JsonObject] = field(default_factory=dict)


def is_expression(value: JsonValue) -> bool:
    """Whether a JSON value is an expression (and not plain data)."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in KEYS


def pointer(document: JsonValue, path: str) -> JsonValue:
    """The value at a JSON Pointer. Raises InputError when nothing is there. Source: RFC 6901."""
    here = document
    for raw in path.split("/")[1:] if path else []:
        key = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and key in here:
            here = here[key]
        elif isinstance(here, list) and _INDEX.fullmatch(key) and int(key) < len(here):
            here = here[int(key)]
        else:
            raise InputError(f"nothing at {path!r}: {key!r} is missing; look at what the step or observation returns")
    return here


def from_steps(value: JsonValue) -> Iterator[FromStep]:
    """Every `$from` inside a value. Raises InputError on a malformed one."""
    if isinstance(value, dict):
        if is_expression(value) and "$from" in value:
            yield _from_step(value["$from"])
            return
        for item in value.values():
            yield from from_steps(item)
    elif isinstance(value, list):
        for item in value:
            yield from from_steps(item)


def resolve(value: JsonValue, scope: Scope) -> JsonValue:
    """The value with every expression that `scope` covers replaced. Raises InputError for one it does not cover."""
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if not isinstance(value, dict):
        return value
    if not is_expression(value):
        return {key: resolve(item, scope) for key, item in value.items()}
    ((key, body),) = value.items()
    if key == "$from":
        source = _from_step(body)
        if source.step not in scope.outputs:
            raise InputError(f"step {source.step!r} has no output yet; add it to `needs`")
        return pointer(dict(scope.outputs[source.step]), source.path)
    document = scope.arguments if key == "$arg" else scope.before
    if document is None or not isinstance(body, str):
        raise InputError(f"{key} cannot be resolved here: {body!r}")
    return pointer(document, body)


def substitute(value: JsonValue, arguments: JsonObject) -> JsonValue:
    """The value with `$arg` replaced by (perhaps still unresolved) arguments; `$before` and `$from` stay."""
    if isinstance(value, list):
        return [substitute(item, arguments) for item in value]
    if not isinstance(value, dict):
        return value
    if is_expression(value):
        return pointer(arguments, str(value["$arg"])) if "$arg" in value else value
    return {key: substitute(item, arguments) for key, item in value.items()}


def _from_step(body: JsonValue) -> FromStep:
    try:
        return FromStep.model_validate(body)
    except ValidationError as e:
        raise InputError(f"malformed $from {body!r}: wants step, path and bounds") from e
