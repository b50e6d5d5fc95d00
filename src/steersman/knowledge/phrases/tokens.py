"""Condition text cut into typed words. One word that is not known makes the whole phrase stay text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from steersman.knowledge.language import fold
from steersman.knowledge.phrases.vocabulary import SIGNALS, VAGUE, WORDS, Kind


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a phrase: what kind of word, and what it says."""

    kind: Kind
    text: str
    value: float = 0.0


LONGEST_PHRASE = 400
"""Characters; longer ones are prose."""
_SECONDS = {
    "ms": 0.001,
    "밀리초": 0.001,
    "s": 1.0,
    "초": 1.0,
    "m": 60.0,
    "분": 60.0,
    "h": 3600.0,
    "시간": 3600.0,
    "d": 86_400.0,
    "일": 86_400.0,
}
_BYTES = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}

_SIGNAL_WORDS = tuple((name, re.compile(rf"(?:{pattern})(?![a-z_])")) for name, pattern in SIGNALS)
_OTHER_WORDS = tuple((kind, re.compile(pattern)) for kind, pattern in WORDS)
_VAGUE_WORD = re.compile(rf"(?:{VAGUE})(?![a-z])")
_CALL = re.compile(r"\(\s*([a-z][a-z0-9-]*)\s*\)")
_POSSESSIVE = re.compile(
    r"([a-z][a-z0-9-]{1,62})(?:\s*서비스)?의\s|([a-z][a-z0-9-]{1,62})'s\s"
    r"|(?:of|on|for) (?:the )?([a-z][a-z0-9-]{2,62})(?: service)?\b"
)
_UNKNOWN = re.compile(r"[a-z0-9_.-]+|[가-힣]+|\S")


def cut(text: str) -> list[Token]:
    """The words of a condition phrase, in order."""
    line = " ".join(fold(text).split())
    tokens: list[Token] = []
    at = 0
    while at < len(line):
        if line[at] == " ":
            at += 1
            continue
        token, length = _next(line, at)
        tokens.append(token)
        at += length
    return tokens


def _next(line: str, at: int) -> tuple[Token, int]:
    best: tuple[Token, int] = (Token("unknown", ""), 0)
    for name, signal in _SIGNAL_WORDS:
        found = signal.match(line, at)
        if found and found.end() - at > best[1]:
            best = Token("signal", name), found.end() - at
    vague = _VAGUE_WORD.match(line, at)
    if vague and vague.end() - at > best[1]:
        best = Token("vague", vague.group(0)), vague.end() - at
    for kind, pattern in _OTHER_WORDS:
        found = pattern.match(line, at)
        if found and found.end() - at > best[1] and _whole(line, found.end()):
            best = Token(kind, found.group(0).strip(), _value(kind, found)), found.end() - at
    named = _CALL.match(line, at) or _POSSESSIVE.match(line, at)
    if named and (not best[1] or line[at] == "(" or best[0].kind in ("of", "filler", "for")):
        name = next(group for group in named.groups() if group)
        if name not in _NOT_NAMES:
            return Token("name", "{service}" if name == "service" else name), named.end() - at
    if best[1]:
        return best
    rest = _UNKNOWN.match(line, at)
    length = rest.end() - at if rest else 1
    return Token("unknown", line[at : at + length]), length


_NOT_NAMES = frozenset(
    [
        "canary",
        "green",
        "stable",
        "baseline",
        "the",
        "last",
        "past",
        "at",
        "least",
        "more",
        "than",
        "any",
        "cpu",
        "memory",
        "errors",
        "average",
    ]
)


def _whole(line: str, end: int) -> bool:
    """Latin words end where they end: `over` is not in `overload`."""
    last, after = line[end - 1], line[end : end + 1]
    return not (last.isascii() and last.isalpha() and after.isascii() and after.isalnum())


def _value(kind: Kind, found: re.Match[str]) -> float:
    if kind not in ("percent", "duration", "bytes", "rate", "times", "number"):
        return 0.0
    number = float(found.group("num").replace(",", ""))
    if kind == "percent":
        return number / 100
    if kind == "duration":
        return number * seconds(found.group("unit"))
    if kind == "bytes":
        return number * _BYTES[found.group("size")]
    return number


def seconds(unit: str) -> float:
    """Seconds in one unit of time."""
    if unit.startswith("milli"):
        return _SECONDS["ms"]
    return _SECONDS[unit] if unit in _SECONDS else _SECONDS[unit[0]]
