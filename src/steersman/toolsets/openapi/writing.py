"""Values as they are written into paths, queries, headers and cookies. Source: OpenAPI 3.1, style values; RFC 6570."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import quote

from pydantic import JsonValue

from steersman.domain.errors import InputError
from steersman.toolsets.openapi.recipe import Parameter, Style

Pairs = list[tuple[str, str]]
"""Names and values, both encoded already."""

RESERVED = ":/?@!$'()*,;"
"""What `allowReserved` leaves as it is; `&`, `=`, `+` and `#` would make one value into several."""
_DELIMITERS: dict[Style, str] = {"spaceDelimited": "%20", "pipeDelimited": "%7C", "tabDelimited": "%09"}
_UNSAFE_SEGMENT = re.compile(r"(^|/)\.{0,2}(/|$)|[\x00-\x1f\x7f\\]")
_HEADER = re.compile(r"[\x20-\x7e]*")
_NESTED = 16


def in_path(parameter: Parameter, value: JsonValue) -> str:
    """The value as it stands in the path. Raises InputError for one that would make it another path."""
    for text in _leaves(parameter.argument, value):
        if _UNSAFE_SEGMENT.search(text):
            raise InputError(f"{parameter.argument!r}: {text!r} has empty or relative parts, or control characters")
    name, style = _quoted(parameter.name), parameter.style
    if parameter.as_json:
        return quote(json.dumps(value, ensure_ascii=False), safe="")
    if style in ("label", "matrix"):
        return _prefixed(name, parameter, value)
    delimiter = _DELIMITERS.get(style, ",")
    return _joined(value, delimiter, explode=parameter.explode)


def _prefixed(name: str, parameter: Parameter, value: JsonValue) -> str:
    mark = "." if parameter.style == "label" else ";"
    keyed = parameter.style == "matrix"
    if parameter.explode and isinstance(value, dict):
        return "".join(f"{mark}{_quoted(key)}={_quoted(_text(item))}" for key, item in value.items())
    if parameter.explode and isinstance(value, list):
        return "".join(f"{mark}{name}={_quoted(_text(i))}" if keyed else mark + _quoted(_text(i)) for i in value)
    text = _joined(value, ",", explode=False)
    return f"{mark}{name}={text}" if keyed and text else mark + (name if keyed else text)


def in_query(parameter: Parameter, value: JsonValue) -> Pairs:
    """The value as pairs of a query. Nothing for null."""
    if value is None:
        return []
    if parameter.as_json:
        return [(_quoted(parameter.name), quote(json.dumps(value, ensure_ascii=False), safe=""))]
    safe = RESERVED if parameter.reserved else ""
    return pairs(parameter.name, value, parameter.style, explode=parameter.explode, safe=safe)


def pairs(name: str, value: JsonValue, style: Style, *, explode: bool, safe: str = "") -> Pairs:
    """The same for queries, cookies and forms."""
    key = quote(name, safe="[]" if name.endswith("[]") else "")
    if style == "deepObject":
        return _deep(key, value, 0)
    if not isinstance(value, (list, dict)):
        return [(key, quote(_text(value), safe=safe))]
    if explode and style == "form":
        if isinstance(value, dict):
            return [(_quoted(inner), quote(_text(item), safe=safe)) for inner, item in value.items()]
        return [(key, quote(_text(item), safe=safe)) for item in value]
    if explode and isinstance(value, list):
        return [(key, quote(_text(item), safe=safe)) for item in value]
    return [(key, _joined(value, _DELIMITERS.get(style, ","), explode=False, safe=safe))]


def in_header(parameter: Parameter, value: JsonValue) -> str:
    """The value of a header. Raises InputError for what no header can carry."""
    text = json.dumps(value) if parameter.as_json else _plain(value, explode=parameter.explode)
    if not _HEADER.fullmatch(text):
        raise InputError(f"{parameter.argument!r} is sent as a header: printable ASCII only")
    return text.strip()


def in_cookie(parameter: Parameter, value: JsonValue) -> str:
    """The value as part of a `Cookie` header."""
    return "; ".join(f"{key}={text}" for key, text in in_query(parameter, value))


def query(written: Sequence[tuple[str, str]]) -> str:
    """Pairs as one query."""
    return "&".join(f"{key}={value}" for key, value in written)


def _deep(key: str, value: JsonValue, depth: int) -> Pairs:
    if depth > _NESTED:
        raise InputError(f"{key[:60]!r} is nested too deeply for a query or form")
    if isinstance(value, dict):
        return [pair for name, item in value.items() for pair in _deep(f"{key}[{_quoted(name)}]", item, depth + 1)]
    if isinstance(value, list):
        whole = any(isinstance(item, (dict, list)) for item in value)
        names = [f"{key}[{number}]" if whole else f"{key}[]" for number in range(len(value))]
        return [pair for name, item in zip(names, value, strict=True) for pair in _deep(name, item, depth + 1)]
    return [(key, _quoted(_text(value)))]


def _joined(value: JsonValue, delimiter: str, *, explode: bool, safe: str = "") -> str:
    if isinstance(value, dict):
        between = "=" if explode else delimiter
        return delimiter.join(f"{_quoted(key)}{between}{quote(_text(item), safe=safe)}" for key, item in value.items())
    if isinstance(value, list):
        return delimiter.join(quote(_text(item), safe=safe) for item in value)
    return quote(_text(value), safe=safe)


def _plain(value: JsonValue, *, explode: bool) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}{'=' if explode else ','}{_text(item)}" for key, item in value.items())
    return ",".join(_text(item) for item in value) if isinstance(value, list) else _text(value)


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _leaves(argument: str, value: JsonValue) -> list[str]:
    if isinstance(value, dict):
        found = [text for key, item in value.items() for text in (key, _text(item))]
    else:
        found = [_text(item) for item in value] if isinstance(value, list) else [_text(value)]
    if not found:
        raise InputError(f"{argument!r} is empty and stands in the path; give a value")
    return found
