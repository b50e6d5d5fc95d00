"""Label matchers and string literals of the Grafana and Prometheus query languages, which all quote as Go does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from steersman.domain.errors import InputError
from steersman.domain.fact import Fact

LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]{0,199}$"
METRIC = r"^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$"
LabelName = Annotated[str, StringConstraints(pattern=LABEL)]
MetricName = Annotated[str, StringConstraints(pattern=METRIC)]
MatchOp = Literal["=", "!=", "=~", "!~"]

_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_EXACT = 2**53
"""Whole numbers below this are exact as floats."""
_FOUR_DIGITS = 0xFFFF
_RE2_META = re.compile(r"([\\.+*?()|\[\]{}^$])")
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}


class Matcher(Fact):
    """`label op value`. The value is data: it is escaped when the query is written."""

    label: LabelName
    op: MatchOp = "="
    value: str = Field(max_length=4_000)

    def __str__(self) -> str:
        return f"{self.label}{self.op}{quoted(self.value)}"

    @property
    def narrows(self) -> bool:
        """Whether a thing without the label is left out, which servers demand of one matcher at least."""
        if self.op == "=":
            return bool(self.value)
        return self.op == "=~" and not _matches_empty(self.value)


def quoted(value: str) -> str:
    """A double-quoted literal that reads back as the value. Raises InputError for text that is no Unicode."""
    try:
        value.encode()
    except UnicodeEncodeError as e:
        raise InputError(f"{value!r} is no Unicode text (a lone surrogate); no server can hold it") from e
    return '"' + "".join(map(_escaped, value)) + '"'


def exactly(value: str) -> str:
    """A regular expression (RE2) that matches this text and no other."""
    return _RE2_META.sub(r"\\\1", value)


def braces(matchers: Iterable[Matcher], *, joint: str = ",") -> str:
    """`{a="b",c!="d"}`."""
    return "{" + joint.join(map(str, matchers)) + "}"


def selector(metric: str, matchers: Iterable[Matcher] = ()) -> str:
    """An instant vector selector. Raises InputError for a metric name that would need quoting."""
    if not re.fullmatch(METRIC, metric):
        raise InputError(f"{metric!r} is no metric name; letters, digits, `_` and `:` only")
    found = tuple(matchers)
    return metric + (braces(found) if found else "")


def duration(seconds: float) -> str:
    """The shortest whole spelling in one unit, for example `90s`, `2m`, `500ms`; at least a millisecond."""
    ms = round(seconds * 1_000)
    if ms < 1:
        raise InputError(f"a duration of {seconds!r} s is too short; at least 0.001")
    unit, size = next((unit, size) for unit, size in _UNITS if ms % size == 0)
    return f"{ms // size}{unit}"


def seconds(text: str) -> float:
    """What a duration such as `90s` or `1h30m` says. Raises InputError."""
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise InputError(f"{text!r} is no duration; write `30s`, `5m`, `1h30m`")
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


def number(value: float) -> str:
    """A number as all of these languages read it: no exponent where none is needed, no `.0`."""
    return str(int(value)) if float(value).is_integer() and abs(value) < _EXACT else repr(float(value))


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= _FOUR_DIGITS else f"\\U{code:08x}"


def _matches_empty(pattern: str) -> bool:
    try:
        return re.fullmatch(f"(?:{pattern})", "") is not None
    except re.error as e:
        raise InputError(f"{pattern!r} is no regular expression: {e}") from e
