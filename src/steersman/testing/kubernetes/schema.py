"""What an object may hold: fields, their types, and how lists are merged. Small on purpose, strict where it counts.

Source: the OpenAPI of Kubernetes 1.36 (`x-kubernetes-list-type`, `-list-map-keys`, `-map-type`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

LeafKind = Literal["string", "integer", "boolean", "number", "int-or-string", "any"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that is owned and replaced as a whole."""

    kind: LeafKind = "any"


@dataclass(frozen=True, slots=True)
class Struct:
    """An object with known fields."""

    fields: Mapping[str, Schema]
    dot: bool = False
    """Whether its mere presence is owned: true for pointers, and for everything in a custom resource."""
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Map:
    """An object with free keys."""

    item: Schema
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list: merged by keys where it has such, otherwise replaced as a whole."""

    item: Schema
    keys: tuple[str, ...] = ()
    defaults: Mapping[str, Any] | None = None
    """Keys that may be left out, and what they then are."""
    dot: bool = True
    """Whether the presence of the list itself is owned."""


Schema = Leaf | Struct | Map | Items


def struct(*, dot: bool = False, atomic: bool = False, **fields: Schema) -> Struct:
    """A struct; a trailing `_` is dropped from names that Python keeps for itself."""
    return Struct({name.rstrip("_"): each for name, each in fields.items()}, dot, atomic)


def key_of(item: Any, schema: Items) -> tuple[tuple[str, Any], ...]:
    """What identifies an item of a keyed list. Raises KeyError when a key is missing and has no default."""
    defaults = schema.defaults or {}
    return tuple((key, item[key] if key in item else defaults[key]) for key in sorted(schema.keys))


def unknown(value: Any, schema: Schema, at: str = "") -> Iterator[str]:
    """Paths of fields that the schema does not have."""
    match schema:
        case Struct() if isinstance(value, dict):
            for name, each in value.items():
                here = f"{at}.{name}" if at else name
                if name in schema.fields:
                    yield from unknown(each, schema.fields[name], here)
                else:
                    yield here
        case Map() if isinstance(value, dict):
            for name, each in value.items():
                yield from unknown(each, schema.item, f"{at}.{name}")
        case Items() if isinstance(value, list):
            for index, each in enumerate(value):
                yield from unknown(each, schema.item, f"{at}[{index}]")
        case _:
            return


def pruned(value: Any, schema: Schema) -> Any:
    """The value without fields that the schema does not have, as the server stores it."""
    match schema:
        case Struct() if isinstance(value, dict):
            return {k: pruned(v, schema.fields[k]) for k, v in value.items() if k in schema.fields and v is not None}
        case Map() if isinstance(value, dict):
            return {k: pruned(v, schema.item) for k, v in value.items() if v is not None}
        case Items() if isinstance(value, list):
            return [pruned(each, schema.item) for each in value]
        case _:
            return value


def mistyped(value: Any, schema: Schema, at: str = "") -> Iterator[tuple[str, Any, str]]:
    """Path, value and wanted type of everything that has the wrong one."""
    if value is None:
        return
    wanted = _wanted(schema)
    if not _is(value, wanted):
        yield at, value, wanted
        return
    match schema:
        case Struct():
            for name, each in value.items():
                if name in schema.fields:
                    yield from mistyped(each, schema.fields[name], f"{at}.{name}" if at else name)
        case Map():
            for name, each in value.items():
                yield from mistyped(each, schema.item, f"{at}.{name}")
        case Items():
            for index, each in enumerate(value):
                yield from mistyped(each, schema.item, f"{at}[{index}]")
        case _:
            return


def _wanted(schema: Schema) -> str:
    if isinstance(schema, (Struct, Map)):
        return "object"
    return "array" if isinstance(schema, Items) else schema.kind


def _is(value: Any, kind: str) -> bool:
    integer = isinstance(value, int) and not isinstance(value, bool)
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return integer
        case "boolean":
            return isinstance(value, bool)
        case "number":
            return integer or isinstance(value, float)
        case "int-or-string":
            return integer or isinstance(value, str)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case _:
            return True
