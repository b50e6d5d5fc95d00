"""Text to document, within limits: size, depth, and what YAML aliases would expand to."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from steersman.domain.errors import InputError
from steersman.domain.fact import JsonObject
from steersman.remote.text import one_line

MAX_BYTES = 32 * 2**20
MAX_DEPTH = 200
MAX_NODES = 5_000_000
"""Of a YAML document with its aliases written out."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_LOADER):  # type: ignore[misc]  # the C loader where there is one
    """YAML as JSON has it: a date stays text, and no key is looked up by a type of its own."""


_UNWANTED = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")
_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag not in _UNWANTED]
    for first, found in _LOADER.yaml_implicit_resolvers.items()
}
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)  # `on` and `no` are names of properties here, as in YAML 1.2


def read(data: bytes, *, name: str) -> JsonObject:
    """The document. Raises InputError, in one line, for what is too big, too deep, or neither JSON nor YAML."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{name!r} is {len(data) / 2**20:.1f} MiB; the limit is {MAX_BYTES >> 20} MiB: cut it down")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InputError(f"{name!r} is no UTF-8 text (byte {e.start}); give an OpenAPI document") from e
    document = _json(text, name) if text.lstrip()[:1] in ("{", "[") else _yaml(text, name)
    if isinstance(document, list):
        document = {"functions": document}
    if not isinstance(document, dict):
        raise InputError(f"{name!r} holds a {type(document).__name__}, wants an OpenAPI document")
    return document


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as e:
        raise InputError(f"{name!r} is nested too deeply to be read") from e
    except ValueError as e:
        raise InputError(f"{name!r} is no JSON: {one_line(str(e))}") from e


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _yaml(text: str, name: str) -> Any:
    try:
        _measure(text, name)
        return _stringly(yaml.load(text, _PlainLoader))  # noqa: S506  # a safe loader with one resolver less
    except yaml.YAMLError as e:
        raise InputError(f"{name!r} is neither JSON nor YAML: {one_line(str(e))}") from e
    except (RecursionError, ValueError) as e:
        raise InputError(f"{name!r} cannot be read: {one_line(str(e))}") from e


def _measure(text: str, name: str) -> None:
    """Counts before anything is built: composing an alias bomb is cheap, walking it is not."""
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.AliasEvent):
            total += sizes.get(event.anchor or "", MAX_NODES)  # an alias inside of its own anchor never ends
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            opened.append((event.anchor, total))
            total += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            anchor, before = opened.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if len(opened) > MAX_DEPTH:
            raise InputError(f"{name!r} is nested deeper than {MAX_DEPTH} levels")
        if total > MAX_NODES:
            raise InputError(f"{name!r} has more than {MAX_NODES:,} nodes once its aliases are written out")


def _stringly(value: Any) -> Any:
    """Keys such as `200:` become text, as JSON has them; shared nodes stay shared."""
    seen: dict[int, Any] = {}
    return _plain(value, seen)


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    if isinstance(value, dict):
        if id(value) not in seen:
            seen[id(value)] = made = {}
            made.update({_key(key): _plain(item, seen) for key, item in value.items()})
        return seen[id(value)]
    if isinstance(value, list):
        if id(value) not in seen:
            rows: list[Any] = []
            seen[id(value)] = rows
            rows.extend(_plain(item, seen) for item in value)
        return seen[id(value)]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
