"""JSON and YAML text as plain values that remember on which line each part stands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import yaml
from pydantic import JsonValue

Path = tuple[str | int, ...]
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 40


class SourceError(ValueError):
    """The text is neither JSON nor YAML that we take."""

    def __init__(self, line: int, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Source:
    """A value and the lines of its parts."""

    value: JsonValue
    lines: dict[Path, int] = field(default_factory=dict)

    def known(self, path: Path) -> Path:
        """The longest beginning of the path that stands in the text."""
        while path and path not in self.lines:
            path = path[:-1]
        return path

    def line(self, path: Path) -> int:
        """The line of a part, or of the nearest part around it; 0 when nothing is known."""
        return self.lines.get(self.known(path), 0)


def read_source(text: str) -> Source:
    """The one document in a text. Raises SourceError for what is not plain data."""
    shallow = max(text.count("["), text.count("{"))
    if shallow > _DEEPEST and _depth(text) > _DEEPEST:
        raise SourceError(0, f"nested more than {_DEEPEST} deep", "flatten it")
    if text.lstrip()[:1] in ("{", "["):
        return _json(text)
    return _yaml(text)


def _depth(text: str) -> int:
    deepest = depth = 0
    for letter in text:
        if letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest


def _json(text: str) -> Source:
    try:
        value: JsonValue = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except json.JSONDecodeError as e:
        raise SourceError(e.lineno, f"not JSON: {e.msg} at column {e.colno}", "mend the syntax there") from e
    except ValueError as e:
        raise SourceError(0, str(e), "write each value once, as plain JSON") from e
    try:
        return Source(value, _composed(text)[1])
    except SourceError:
        return Source(value)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _no_twins(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    keys = [key for key, _ in pairs]
    twin = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
    if twin is not None:
        raise ValueError(f"the key {twin[:60]!r} stands twice in one object")
    return dict(pairs)


def _yaml(text: str) -> Source:
    value, lines = _composed(text)
    return Source(value, lines)


def _composed(text: str) -> tuple[JsonValue, dict[Path, int]]:
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise SourceError(0, "empty", "give an object with at least `id` and `goal`")
        lines: dict[Path, int] = {}
        _walk(node, (), lines, set())
        value = _plain(loader.construct_document(node))
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        line = mark.line + 1 if mark else 0
        raise SourceError(line, f"not YAML: {e.problem or e.context}", "mend the syntax there") from e
    except (yaml.YAMLError, ValueError, OverflowError) as e:
        if isinstance(e, SourceError):
            raise
        raise SourceError(0, f"not YAML: {str(e).splitlines()[0][:120]}", "write plain UTF-8 text") from e
    except RecursionError as e:
        raise SourceError(0, "nested too deeply", "flatten it") from e
    return value, lines


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int], seen: set[int]) -> None:
    if id(node) in seen:
        raise SourceError(node.start_mark.line + 1, "an anchor is used twice", "write the value out: no `&` and `*`")
    seen.add(id(node))
    if len(path) > _DEEPEST:
        raise SourceError(node.start_mark.line + 1, f"nested more than {_DEEPEST} deep", "flatten it")
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            name = (*path, str(key.value))
            if name in lines:
                raise SourceError(key.start_mark.line + 1, f"the key {str(key.value)[:60]!r} stands twice", "keep one")
            _walk(item, name, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), lines, seen)


def _plain(value: object) -> JsonValue:
    """YAML's dates as they were meant in JSON: ISO 8601 text; everything else that JSON cannot hold is an error."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    iso = getattr(value, "isoformat", None)
    if iso is not None:
        return str(iso())
    raise SourceError(0, f"holds a {type(value).__name__}, which JSON cannot", "write it as text")
