"""Who owns which field: sets of paths, their FieldsV1 form, and `metadata.managedFields`.

Source: structured-merge-diff, as recorded exchanges show it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from steersman.testing.kubernetes.schema import Items, Leaf, Map, Schema, Struct, key_of
from steersman.testing.kubernetes.status import Document

Place = tuple[str, ...]
Places = frozenset[Place]
SERVER_SET = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
     "deletionGracePeriodSeconds", "managedFields", "selfLink"}
)  # fmt: skip


def key_text(item: Any, schema: Items) -> str:
    """`k:{"name":"web"}`."""
    return "k:" + json.dumps(dict(key_of(item, schema)), separators=(",", ":"), sort_keys=True)


def places(document: Document, schema: Struct, *, dots: bool) -> Places:
    """All fields that a document sets. dots: also the mere presence of maps and lists, as updates own it."""
    found: set[Place] = set()
    for name, value in document.items():
        if name in {"apiVersion", "kind"} or name not in schema.fields:
            continue
        if name == "metadata":
            value = {key: each for key, each in value.items() if key not in SERVER_SET}  # noqa: PLW2901
        if value or name != "metadata":
            found |= set(_places(value, schema.fields[name], (f"f:{name}",), dots))
    return frozenset(found)


def _places(value: Any, schema: Schema, at: Place, dots: bool) -> Iterator[Place]:
    if isinstance(schema, Leaf) or getattr(schema, "atomic", False) or value is None:
        yield at
    elif isinstance(schema, Struct):
        if not value or (schema.dot and dots):
            yield at
        yield from _members(value, schema, at, dots)
    elif isinstance(schema, Items) and not schema.keys:
        yield at
    else:
        if not value or (dots and getattr(schema, "dot", True)):
            yield at
        yield from _members(value, schema, at, dots)


def _members(value: Any, schema: Struct | Map | Items, at: Place, dots: bool) -> Iterator[Place]:
    match schema:
        case Items():
            for each in value:
                here = (*at, key_text(each, schema))
                yield here
                yield from _places(each, schema.item, here, dots)
        case Map():
            for name, each in value.items():
                yield from _places(each, schema.item, (*at, f"f:{name}"), dots)
        case Struct():
            for name, each in value.items():
                if name in schema.fields:
                    yield from _places(each, schema.fields[name], (*at, f"f:{name}"), dots)


def value_at(document: Any, place: Place) -> Any:
    """What stands at a place; None when nothing does."""
    here = document
    for part in place:
        if part.startswith("f:"):
            here = here.get(part[2:]) if isinstance(here, dict) else None
        else:
            wanted = json.loads(part[2:])
            items = here if isinstance(here, list) else []
            here = next((each for each in items if _has_keys(each, wanted)), None)
        if here is None:
            return None
    return here


def _has_keys(item: Document, wanted: Document) -> bool:
    return all(item.get(key, "TCP" if key == "protocol" else None) == value for key, value in wanted.items())


def encoded(found: Places) -> Document:
    """As FieldsV1."""
    root: Document = {}
    leaves = {place for place in found if not any(other[: len(place)] == place and other != place for other in found)}
    for place in sorted(found):
        here = root
        for part in place:
            here = here.setdefault(part, {})
        if place not in leaves:
            here["."] = {}
    return root


def decoded(document: Document, at: Place = ()) -> Places:
    """From FieldsV1."""
    found: set[Place] = set()
    for part, inner in document.items():
        if part == ".":
            found.add(at)
        elif inner:
            found |= decoded(inner, (*at, part))
        else:
            found.add((*at, part))
    return frozenset(found)


def shown(place: Place) -> str:
    """`.spec.template.spec.containers[name="web"].image`: as conflicts name it."""
    said = ""
    for part in place:
        if part.startswith("f:"):
            said += f".{part[2:]}"
        else:
            keys = json.loads(part[2:])
            said += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"
    return said


def changed(was: Document, now: Document, found: Iterable[Place]) -> Places:
    """Those places whose value is another now."""
    return frozenset(place for place in found if value_at(was, place) != value_at(now, place))
