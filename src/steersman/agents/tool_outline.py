"""An operation's arguments in few words, for prompts: depth, breadth and length are bounded."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation

DEPTH = 3
FIELDS = 24
CHOICES = 8
LENGTH = 1_200
_DEFS = "#/$defs/"


def outline(operation: Operation) -> str:
    """Name, what it does, and its arguments, one a line; required ones are marked with `*`."""
    lines = [f"{operation.name} ({operation.effect}): {operation.summary[:160]}"]
    used = len(lines[0])
    for line in _fields(operation.input_schema, operation.input_schema, 1):
        used += len(line) + 1
        if used > LENGTH:
            lines.append("  ...")
            break
        lines.append(line)
    return "\n".join(lines)


def required(operation: Operation) -> tuple[str, ...]:
    """Arguments that must be given."""
    names = operation.input_schema.get("required")
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _fields(schema: JsonObject, root: JsonObject, depth: int) -> Iterator[str]:
    properties = schema.get("properties")
    needed = schema.get("required")
    wanted = needed if isinstance(needed, list) else []
    known = list(properties.items()) if isinstance(properties, dict) else []
    first = sorted(known, key=lambda item: item[0] not in wanted)
    for name, raw in first[:FIELDS]:
        field = _plain(raw, root)
        mark = "*" if name in wanted else ""
        said = str(field.get("description", ""))[:80]
        yield f"{'  ' * depth}{name}{mark}: {_kind(field, root)}{f' - {said}' if said else ''}"
        inner = _plain(field.get("items"), root) if field.get("type") == "array" else field
        if depth < DEPTH and inner.get("properties"):
            yield from _fields(inner, root, depth + 1)
    if len(first) > FIELDS:
        yield f"{'  ' * depth}... {len(first) - FIELDS} more"


def _kind(field: JsonObject, root: JsonObject) -> str:
    choices = field.get("enum")
    if isinstance(choices, list):
        more = "|..." if len(choices) > CHOICES else ""
        return "|".join(str(choice)[:40] for choice in choices[:CHOICES]) + more
    kind = field.get("type")
    if kind == "array":
        return f"list of {_kind(_plain(field.get('items'), root), root)}"
    if isinstance(kind, list):
        return "|".join(map(str, kind))
    if isinstance(kind, str):
        return kind
    branches = next((field[key] for key in ("oneOf", "anyOf", "allOf") if isinstance(field.get(key), list)), None)
    if isinstance(branches, list):
        return "|".join(dict.fromkeys(_kind_of_branch(branch, root) for branch in branches[:CHOICES]))
    return "object" if "properties" in field else "any"


def _kind_of_branch(branch: JsonValue, root: JsonObject) -> str:
    found = _plain(branch, root).get("type")
    return found if isinstance(found, str) else "object"


def _plain(raw: JsonValue, root: JsonObject) -> JsonObject:
    """A schema with its reference followed, once: recursive ones end here."""
    if not isinstance(raw, dict):
        return {}
    ref, parts = raw.get("$ref"), root.get("$defs")
    if isinstance(ref, str) and isinstance(parts, dict):
        found = parts.get(ref.removeprefix(_DEFS))
        return {**found, **{k: v for k, v in raw.items() if k != "$ref"}} if isinstance(found, dict) else {}
    return raw
