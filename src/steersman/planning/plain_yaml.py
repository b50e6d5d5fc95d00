"""YAML with JSON's values only: no timestamps, no aliases, no double keys, `true` and `false` as the only booleans."""

from __future__ import annotations

import re

import yaml
from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject

TAG = "tag:yaml.org,2002:"
DEEPEST = 100
MOST_DIGITS = 4_000
NULL = re.compile(r"^(?:null|~|)$")
BOOL = re.compile(r"^(?:true|false)$")
INT = re.compile(r"^-?(?:0|[1-9][0-9]*)$")
FLOAT = re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$")
FIRST_OF_NUMBERS = list("-0123456789")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Resolves what JSON has, and nothing else."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", NULL, ["n", "~", ""]),
    ("bool", BOOL, ["t", "f"]),
    ("int", INT, FIRST_OF_NUMBERS),
    ("float", FLOAT, FIRST_OF_NUMBERS),
):
    _Loader.add_implicit_resolver(TAG + _tag, _pattern, _first)


def parse_yaml(text: str) -> JsonValue:
    """The one document in a text. Raises InputError with the line."""
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                raise InputError(f"line {_line(event.start_mark)}: aliases (*{event.anchor}) are not read here")
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as e:
        raise InputError(f"line {_line(e.problem_mark)}: no YAML: {e.problem}") from e
    except yaml.YAMLError as e:
        raise InputError("no YAML: " + " ".join(str(e).split())) from e
    return None if node is None else _value(node, 0)


def _line(mark: object) -> int | str:
    """Counted from 1; the C and the Python parser have marks of their own."""
    line = getattr(mark, "line", None)
    return line + 1 if isinstance(line, int) else "?"


def _value(node: yaml.Node, depth: int) -> JsonValue:
    if depth > DEEPEST:
        raise InputError(f"line {_line(node.start_mark)}: nested more than {DEEPEST} deep")
    match node:
        case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
            return _mapping(node, depth)
        case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
            return [_value(item, depth + 1) for item in node.value]
        case yaml.ScalarNode():
            return _scalar(node)
        case _:
            raise InputError(f"line {_line(node.start_mark)}: tag {node.tag!r} is not read here")


def _mapping(node: yaml.MappingNode, depth: int) -> JsonObject:
    found: JsonObject = {}
    for key, item in node.value:
        name = key.value
        if not isinstance(name, str) or name in found:
            raise InputError(f"line {_line(key.start_mark)}: key {name!r} is no text, or stands there twice")
        found[name] = _value(item, depth + 1)
    return found


def _scalar(node: yaml.ScalarNode) -> JsonValue:
    text = node.value
    match node.tag.removeprefix(TAG):
        case "str":
            return str(text)
        case "null":
            return None
        case "bool":
            return bool(text == "true")
        case "int":
            return int(text) if len(text) <= MOST_DIGITS else float(text)
        case "float":
            return float(text)
        case _:
            raise InputError(f"line {_line(node.start_mark)}: tag {node.tag!r} is not read here")
