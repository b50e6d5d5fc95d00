"""A document and its references: a JSON Pointer or an anchor inside of it, never anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject

Dialect = Literal["2.0", "3.0", "3.1"]
MAX_HOPS = 32
"""References to references."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_SHOWN = 120
"""Characters of a value in a message."""
_ANCHORED = 200
"""Levels that are searched for anchors."""


@dataclass(slots=True)
class Document:
    """The root with its dialect."""

    root: JsonObject
    dialect: Dialect
    _anchors: dict[str, JsonValue] | None = field(default=None)

    @classmethod
    def of(cls, root: JsonObject) -> Document:
        """Raises InputError for a version that is not known, naming those that are."""
        said = root.get("openapi", root.get("swagger"))
        match str(said)[:3] if said is not None else "":
            case "2.0":
                return cls(root, "2.0")
            case "3.0":
                return cls(root, "3.0")
            case "3.1" | "3.2":
                return cls(root, "3.1")
        raise InputError(
            f"version {said!r} is none of OpenAPI 3.1, 3.0 and Swagger 2.0: the document says it at its top"
        )

    def target(self, ref: JsonValue) -> tuple[str, JsonValue]:
        """What a reference names, with its pointer in one spelling. Follows references to references.

        Raises InputError for a remote reference, one that leads nowhere, and one that leads back to itself.
        """
        for _ in range(MAX_HOPS):
            place, found = self._one(ref)
            if not (isinstance(found, dict) and isinstance(found.get("$ref"), str)):
                return place, found
            if self.dialect == "3.1" and len(found) > 1:
                return place, found
            ref = found["$ref"]
        raise InputError(f"reference {_short(ref)} leads round in a circle")

    def plain(self, value: JsonValue) -> JsonObject:
        """An object, its reference followed. Raises InputError for anything else."""
        if isinstance(value, dict) and "$ref" in value:
            siblings = {key: item for key, item in value.items() if key != "$ref"}
            _, value = self.target(value["$ref"])
            if isinstance(value, dict) and self.dialect == "3.1":
                value = {**value, **siblings}
        if not isinstance(value, dict):
            raise InputError(f"an object is wanted where {_short(value)} stands")
        return value

    def _one(self, ref: JsonValue) -> tuple[str, JsonValue]:
        if not isinstance(ref, str) or not ref.startswith("#"):
            raise InputError(f"reference {_short(ref)} leaves the document: remote references are not read; bundle it")
        fragment = unquote(ref[1:])
        if fragment and not fragment.startswith("/"):
            if self._anchors is None:
                self._anchors = dict(_anchors(self.root, _ANCHORED))
            if fragment not in self._anchors:
                raise InputError(f"reference {_short(ref)} names no anchor of the document")
            return ref, self._anchors[fragment]
        return "#" + fragment, self._at(fragment, ref)

    def _at(self, pointer: str, ref: str) -> JsonValue:
        here: JsonValue = self.root
        for raw in pointer.split("/")[1:]:
            key = raw.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and key in here:
                here = here[key]
            elif isinstance(here, list) and _INDEX.fullmatch(key) and int(key) < len(here):
                here = here[int(key)]
            else:
                raise InputError(f"reference {_short(ref)} leads nowhere: {_short(key)} is missing")
        return here


def _anchors(value: JsonValue, depth: int) -> Iterator[tuple[str, JsonValue]]:
    rest: list[tuple[JsonValue, int]] = [(value, depth)]
    while rest:
        here, left = rest.pop()
        if isinstance(here, dict):
            for key in ("$anchor", "$dynamicAnchor"):
                name = here.get(key)
                if isinstance(name, str):
                    yield name, here
        inner = here.values() if isinstance(here, dict) else here if isinstance(here, list) else ()
        if left:
            rest.extend((item, left - 1) for item in inner if isinstance(item, (dict, list)))


def _short(value: JsonValue) -> str:
    text = repr(value) if isinstance(value, (str, int, float, bool)) or value is None else type(value).__name__
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
