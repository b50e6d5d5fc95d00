"""What a goal's text says, in Korean and English, read by code: services, versions, weights, percentages, durations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from pydantic import JsonValue

from steersman.domain.scenario import Parameter

NOT_BEFORE = r"(?<![A-Za-z0-9_.\-])"
NOT_AFTER = r"(?![A-Za-z0-9_\-])"
"""Korean particles may follow a name directly (`payments를`); Latin letters and digits may not."""

SERVICE = r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
VERSION = re.compile(
    NOT_BEFORE + r"(?:(v\d+(?:\.\d+){0,3}(?:[-+][A-Za-z0-9.]+)?)|(?:version|ver\.?|버전)\s*(v?\d+(?:\.\d+){0,3})"
    r"|(\d+\.\d+\.\d+(?:[-+][A-Za-z0-9.]+)?))" + r"(?![A-Za-z0-9_\-%])",
    re.IGNORECASE,
)
NUMBER = r"\d+(?:\.\d+)?"
WEIGHTS = re.compile(
    rf"(?<![A-Za-z0-9_.])({NUMBER}\s*%?(?:\s*(?:→|->|=>|/|,?\s*(?:and\s+)?then|,|>|다음)\s*{NUMBER}\s*%?)+)"
)
PERCENT = re.compile(rf"({NUMBER})\s*(?:%|percent|퍼센트|프로)")
DURATION = re.compile(
    rf"{NOT_BEFORE}({NUMBER})\s*(hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|시간|분|초)(?![A-Za-z])", re.IGNORECASE
)
SECONDS = {"h": 3600, "m": 60, "s": 1, "시": 3600, "분": 60, "초": 1}
NEAR = 24
"""Characters between a number and the word that says what it is of."""

VERBS = r"(?:deploy|release|ship|roll\s*out|update|upgrade|promote)"
GUESSES = (
    re.compile(rf"{NOT_BEFORE}({SERVICE})\s*(?:서비스)?[을를의]?\s+(?:to\s+)?(?:version|버전|v\d)", re.IGNORECASE),
    re.compile(rf"{VERBS}\s+(?:the\s+)?({SERVICE})", re.IGNORECASE),
    re.compile(rf"{NOT_BEFORE}({SERVICE})[을를]"),
)
NO_SERVICE = re.compile(
    r"a|an|and|blue|green|deploy|new|of|promote|release|roll|rollout|ship|the|to|update|upgrade|version|v?\d.*",
    re.IGNORECASE,
)


def found_in(text: str, parameter: Parameter, services: frozenset[str]) -> JsonValue:
    """What the text says of a parameter; None when it says nothing, or more than one thing."""
    match parameter.kind:
        case None:
            return None
        case "service":
            return _single(_services(text, services))
        case "version":
            return _single(_versions(text))
        case "weights":
            return _single(_weights(text))
        case "percent":
            return _single(float(hit[1]) / 100 for hit in PERCENT.finditer(text) if _near(text, hit, parameter))
        case "duration_s":
            hits = (hit for hit in DURATION.finditer(text) if _near(text, hit, parameter))
            return _single(float(hit[1]) * SECONDS[hit[2][0].lower()] for hit in hits)
        case "number":
            times = [hit.span() for hit in DURATION.finditer(text)]
            hits = (
                hit
                for hit in re.finditer(rf"(?<![\d.v])({NUMBER})(?![\d.]*%)", text)
                if _near(text, hit, parameter) and not any(start <= hit.start() < end for start, end in times)
            )
            return _single(int(hit[1]) if hit[1].isdecimal() else float(hit[1]) for hit in hits)
        case "word":
            return _single(_words(text, parameter))
        case _:
            assert_never(parameter.kind)


def several_in(text: str, parameter: Parameter) -> list[JsonValue]:
    """What the text says of a parameter when that is more than one thing: sequences of weights, versions.

    Other kinds are found by words nearby, where a second hit is often about something else.
    """
    match parameter.kind:
        case "weights":
            found = _distinct(_weights(text))
        case "version":
            found = _distinct(_versions(text))
        case _:
            return []
    return found if len(found) > 1 else []


def _versions(text: str) -> Iterator[str]:
    return (next(group for group in hit.groups() if group) for hit in VERSION.finditer(text))


def _weights(text: str) -> Iterator[list[int]]:
    return ([int(float(n)) for n in re.findall(NUMBER, hit[1])] for hit in WEIGHTS.finditer(text))


Values = Iterator[JsonValue] | Iterator[str] | Iterator[float] | Iterator[list[int]]


def _distinct(values: Values) -> list[JsonValue]:
    distinct: list[JsonValue] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)  # type: ignore[arg-type]
    return distinct


def _single(values: Values) -> JsonValue:
    distinct = _distinct(values)
    return distinct[0] if len(distinct) == 1 else None


def named_service(text: str, services: frozenset[str]) -> str | None:
    """The one known service that a text names; None when it names none or several."""
    found = list(_services(text, services)) if services else []
    return found[0] if len(found) == 1 else None


def _services(text: str, services: frozenset[str]) -> Iterator[str]:
    if services:
        for name in sorted(services):
            if re.search(NOT_BEFORE + re.escape(name) + NOT_AFTER, text, re.IGNORECASE):
                yield name
        return
    for guess in GUESSES:
        found = [hit[1] for hit in guess.finditer(text) if not NO_SERVICE.fullmatch(hit[1])]
        if found:
            yield from found
            return


def _words(text: str, parameter: Parameter) -> Iterator[str]:
    allowed = parameter.schema_.get("enum")
    for word in allowed if isinstance(allowed, list) else ():
        if isinstance(word, str) and re.search(NOT_BEFORE + re.escape(word) + NOT_AFTER, text, re.IGNORECASE):
            yield word


def _near(text: str, hit: re.Match[str], parameter: Parameter) -> bool:
    around = text[max(0, hit.start() - NEAR) : hit.end() + NEAR].lower()
    return not parameter.words or any(word.lower() in around for word in parameter.words)
