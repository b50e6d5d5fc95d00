"""Schemas of OpenAPI as JSON Schema 2020-12, each named one converted once; recursive ones stay recursive.

A reference becomes `{"$ref": "#/$defs/<part>"}`; whoever uses a schema carries the parts along that it reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.remote.schemas.document import Document
from steersman.remote.schemas.keywords import (
    BOUNDS,
    SCALARS,
    Side,
    checked_pattern,
    described,
    enum_of,
    types_of,
)

MAX_DEPTH = 64
"""Levels of one schema, without those behind references."""

PREFIX = "#/$defs/"
_LISTS = ("allOf", "anyOf", "oneOf")
_HERE = ("not", "if", "then", "else")
"""Keywords whose schema looks at the same value: a circle of these alone never ends."""
_DEEPER = ("items", "contains", "propertyNames", "additionalProperties", "unevaluatedProperties", "unevaluatedItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas")


@dataclass(slots=True)
class Part:
    """A named schema, converted; `error` says why it cannot be used."""

    schema: JsonValue = True
    uses: set[str] = field(default_factory=set)
    same_value: set[str] = field(default_factory=set)
    error: str = ""


@dataclass(slots=True)
class Schemas:
    """Converts, and keeps what it has converted."""

    document: Document
    parts: dict[str, Part] = field(default_factory=dict)
    unchecked: set[str] = field(default_factory=set)
    """Patterns that are left to the server: they may take exponential time."""
    _ids: dict[tuple[str, Side], str] = field(default_factory=dict)
    _pending: list[tuple[str, JsonValue, Side]] = field(default_factory=list)
    _ending: set[str] = field(default_factory=set)
    """Parts that are known to be in no endless circle."""
    _patterns: dict[str, bool] = field(default_factory=dict)
    _reach: dict[str, frozenset[str]] = field(default_factory=dict)

    def convert(self, schema: JsonValue, side: Side) -> tuple[JsonValue, frozenset[str]]:
        """A schema, and the parts that it refers to; `closed` adds those that these refer to.

        Raises InputError for remote references, circles that never end, and what is nested too deeply.
        """
        part = Part()
        made = _Conversion(self, part, side).of(schema, 0, here=True)
        self._drain()
        self._must_be_usable(part)
        return made, frozenset(part.uses)

    def closed(self, names: Iterable[str]) -> dict[str, JsonValue]:
        """Parts with all that they lead to, by id."""
        found = sorted(frozenset[str]().union(*(self.reach(name) for name in names)))
        return {name: self.parts[name].schema for name in found}

    def part(self, ref: JsonValue, side: Side) -> str:
        """The id of a named schema, which is converted when it is first asked for."""
        place, schema = self.document.target(ref)
        key = (place, side)
        if key not in self._ids:
            self._ids[key] = identity = self._free(place, side)
            self.parts[identity] = Part()
            self._pending.append((identity, schema, side))
        return self._ids[key]

    def _drain(self) -> None:
        """One after the other: however long a chain of references is, the stack stays flat."""
        while self._pending:
            identity, schema, side = self._pending.pop()
            part = self.parts[identity]
            try:
                part.schema = _Conversion(self, part, side).of(schema, 0, here=True)
            except InputError as e:
                part.error = str(e)

    def pattern(self, text: str) -> bool:
        """Whether a pattern is safe to check; otherwise it is noted."""
        if text not in self._patterns:
            self._patterns[text] = checked_pattern(text)
        if not self._patterns[text]:
            self.unchecked.add(text)
        return self._patterns[text]

    def _free(self, place: str, side: Side) -> str:
        last = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in place.rsplit("/", 1)[-1])
        name = identity = f"{side}.{last[:60] or 'root'}"
        number = 2
        while identity in self.parts:
            identity, number = f"{name}_{number}", number + 1
        return identity

    def _must_be_usable(self, root: Part) -> None:
        needed = frozenset().union(*(self.reach(name) for name in root.uses)) if root.uses else frozenset[str]()
        for name in needed:
            if self.parts[name].error:
                raise InputError(f"schema {name.partition('.')[2]!r}: {self.parts[name].error}")
        self._refuse_circles(root)

    def reach(self, name: str) -> frozenset[str]:
        """A part and all that it leads to."""
        if name not in self._reach:
            seen = {name}
            rest = [name]
            while rest:
                for used in self.parts[rest.pop()].uses:
                    known = self._reach.get(used)
                    if known is not None:
                        seen |= known
                    elif used not in seen:
                        seen.add(used)
                        rest.append(used)
            self._reach[name] = frozenset(seen)
        return self._reach[name]

    def _refuse_circles(self, root: Part) -> None:
        path: list[tuple[str, Iterator[str]]] = [("", iter(sorted(root.same_value)))]
        on_path = {""}
        while path:
            name = next(path[-1][1], None)
            if name is None:
                on_path.discard(path[-1][0])
                self._ending.add(path.pop()[0])
            elif name in on_path:
                circle = " -> ".join(part.partition(".")[2] for part, _ in path[1:] if part)
                raise InputError(f"schemas include each other without end: {circle[:200]} -> {name.partition('.')[2]}")
            elif name not in self._ending:
                on_path.add(name)
                path.append((name, iter(sorted(self.parts[name].same_value))))


@dataclass(frozen=True, slots=True)
class _Conversion:
    """One part, or one schema that stands alone."""

    schemas: Schemas
    part: Part
    side: Side

    def of(self, schema: JsonValue, depth: int, *, here: bool) -> JsonValue:
        """here: whether it looks at the same value as the part does."""
        if isinstance(schema, bool) or schema is None:
            return True if schema is None else schema
        if not isinstance(schema, dict):
            raise InputError(f"a schema is an object, not {type(schema).__name__}")
        if depth > MAX_DEPTH:
            raise InputError(f"a schema nested deeper than {MAX_DEPTH} levels")
        ref = schema.get("$ref", schema.get("$dynamicRef"))
        if ref is not None:
            return self._reference(schema, ref, depth, here=here)
        return self._nullable(schema, self._plain(schema, depth, here=here))

    def _reference(self, schema: JsonObject, ref: JsonValue, depth: int, *, here: bool) -> JsonValue:
        name = self.schemas.part(ref, self.side)
        self.part.uses.add(name)
        if here:
            self.part.same_value.add(name)
        made: JsonObject = {"$ref": PREFIX + name}
        if self.schemas.document.dialect == "3.1":
            beside = {key: value for key, value in schema.items() if key not in ("$ref", "$dynamicRef", "$defs")}
            more = self._plain(beside, depth, here=here)
            made.update(more)
        return self._nullable(schema, made)

    def _plain(self, schema: JsonObject, depth: int, *, here: bool) -> JsonObject:
        made: JsonObject = {}
        self._values(schema, made)
        self._alternatives(schema, made, depth, here=here)
        for key in _DEEPER:
            if key in schema:
                made[key] = self.of(schema[key], depth + 1, here=False)
        if isinstance(schema.get("items"), list):
            raise InputError("`items` is a list, which OpenAPI has no meaning for; use prefixItems")
        for key in _MAPS:
            inner = schema.get(key)
            if isinstance(inner, dict):
                self._map(key, inner, made, depth=depth, here=here)
        self._required(schema, made)
        if said := described(schema.get("description")):
            made["description"] = said
        return made

    def _map(self, key: str, inner: JsonObject, made: JsonObject, *, depth: int, here: bool) -> None:
        same = here and key == "dependentSchemas"
        known = inner
        if key == "patternProperties":
            known = {name: item for name, item in inner.items() if self.schemas.pattern(name)}
            if len(known) < len(inner):
                made.pop("additionalProperties", None)  # whatever the pattern would have allowed
        made[key] = {name: self.of(item, depth + 1, here=same) for name, item in known.items()}

    def _values(self, schema: JsonObject, made: JsonObject) -> None:
        types = types_of(schema.get("type"))
        if types:
            made["type"] = types[0] if len(types) == 1 else list[JsonValue](types)
        if "enum" in schema and (values := enum_of(schema["enum"])):
            made["enum"] = values
        if "const" in schema:
            made["const"] = schema["const"]
        if "default" in schema and isinstance(schema["default"], (str, int, float, bool)):
            made["default"] = schema["default"]
        for key, fits in SCALARS.items():
            if key in schema and fits(schema[key]):
                made[key] = schema[key]
        self._bounds(schema, made)

    def _bounds(self, schema: JsonObject, made: JsonObject) -> None:
        for key, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if schema.get(key) is True and bound in made:
                made[key] = made.pop(bound)
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and self.schemas.pattern(pattern):
            made["pattern"] = pattern
        bounds = BOUNDS.get(str(schema.get("format"))) if made.get("type") == "integer" else None
        if bounds is not None:
            made.setdefault("minimum", bounds[0])
            made.setdefault("maximum", bounds[1])
        needs = schema.get("dependentRequired")
        if isinstance(needs, dict):
            made["dependentRequired"] = {key: _names(value) for key, value in needs.items()}

    def _alternatives(self, schema: JsonObject, made: JsonObject, depth: int, *, here: bool) -> None:
        for key in _LISTS:
            branches = schema.get(key)
            if isinstance(branches, list) and branches:
                told = self._told_apart(schema, branches) if key != "allOf" else None
                converted = [self.of(branch, depth + 1, here=here) for branch in branches]
                if told is None:
                    made[key] = converted
                else:
                    made["anyOf"] = [{"allOf": [tag, one]} for tag, one in zip(told, converted, strict=True)]
        for key in _HERE:
            if key in schema:
                made[key] = self.of(schema[key], depth + 1, here=here)
        rows = schema.get("prefixItems")
        if isinstance(rows, list) and rows:
            made["prefixItems"] = [self.of(row, depth + 1, here=False) for row in rows]

    def _told_apart(self, schema: JsonObject, branches: list[JsonValue]) -> list[JsonValue] | None:
        """For each branch what the discriminator must say; None where there is none: then they are as they stand."""
        said = schema.get("discriminator")
        name = said.get("propertyName") if isinstance(said, dict) else said
        if not isinstance(name, str):
            return None
        mapping = said.get("mapping") if isinstance(said, dict) else None
        tags: list[JsonValue] = []
        for branch in branches:
            ref = branch.get("$ref") if isinstance(branch, dict) else None
            if not isinstance(ref, str):
                return None  # an inline schema has no name to be told by
            own = ref.rsplit("/", 1)[-1]
            named = [key for key, to in mapping.items() if to in (ref, own)] if isinstance(mapping, dict) else []
            values: list[JsonValue] = [*(named or [own])]
            tags.append({"type": "object", "required": [name], "properties": {name: {"enum": values}}})
        return tags

    def _required(self, schema: JsonObject, made: JsonObject) -> None:
        unseen = "readOnly" if self.side == "in" else "writeOnly"
        fields = schema.get("properties")
        known = fields if isinstance(fields, dict) else {}
        hidden = {name for name, item in known.items() if isinstance(item, dict) and item.get(unseen) is True}
        required = schema.get("required")
        wanted = [name for name in _names(required) if name not in hidden]
        if wanted:
            made["required"] = wanted
        properties = made.get("properties")
        if self.side == "in" and hidden and isinstance(properties, dict):
            made["properties"] = {name: False if name in hidden else item for name, item in properties.items()}

    def _nullable(self, schema: JsonObject, made: JsonObject) -> JsonObject:
        if schema.get("nullable") is not True and schema.get("x-nullable") is not True:
            return made
        if self.schemas.document.dialect == "3.1":
            return made
        said = {key: made.pop(key) for key in ("description",) if key in made}
        return {"anyOf": [made, {"type": "null"}], **said}


def _names(value: JsonValue) -> list[JsonValue]:
    return list(dict.fromkeys(name for name in value if isinstance(name, str))) if isinstance(value, list) else []
