"""What a goal's text says, in Korean and English, read by code: services, versions, weights, percentages, durations."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import assert_never

from pydantic import JsonValue

from steersman.domain.fact import JsonObject
from steersman.domain.scenario import Parameter, ParameterKind
from steersman.planning.goal_names import NOT_BEFORE, names_in, services_in, words_in
from steersman.planning.goal_numbers import NUMBER, PLAIN, amounts, durations, numbers, percents

VERSION = re.compile(
    NOT_BEFORE + r"(?:(v\d+(?:\.\d+){0,3}(?:[-+][A-Za-z0-9.]+)?)|(?:version|ver\.?|버전)\s*(v?\d+(?:\.\d+){0,3})"
    r"|(\d+\.\d+\.\d+(?:[-+][A-Za-z0-9.]+)?))" + r"(?![A-Za-z0-9_\-%])",
    re.IGNORECASE,
)
IMAGE = re.compile(
    r"(?<![A-Za-z0-9_.\-/:])((?:[a-z0-9][a-z0-9.:-]*/)+)([a-z0-9][a-z0-9._-]*):([A-Za-z0-9_][A-Za-z0-9_.-]*)"
)
"""A reference to an image (OCI distribution): registry and path, name, tag."""
NEXT = r"(?:→|->|=>|/|,?\s*(?:and\s+)?then|,(?:\s*and\b)?|>|다음)"
WEIGHTS = re.compile(
    rf"(?<![A-Za-z0-9_.→>\-])({NUMBER}\s*%?(?:\s*{NEXT}\s*{NUMBER}\s*%?)+"
    rf"(?:\s*(?:and|to)\s+{NUMBER}\s*(?=%|percent|퍼센트))?)",
    re.IGNORECASE,
)
ARROWS = re.compile(r"[^\s→]+(?:\s*(?:→|->|=>)\s*[^\s→]+)+")
FACTORS = (1, 0.01, 0.001, 60, 3600, 1000)
"""From what is said to what is kept: shares, milliseconds, minutes, hours, thousands."""
SHARE = re.compile(rf"\s*{NUMBER}\s*%?[가-힣]*[.,]?\s*")

BY_WORDS: Mapping[str, Callable[[str, Collection[str]], Iterable[float] | Iterable[str]]] = {
    "percent": percents,
    "duration_s": durations,
    "amount": amounts,
    "number": numbers,
}
"""What is read of numbers and their units near words."""
Values = Iterable[JsonValue] | Iterable[str] | Iterable[float] | Iterable[list[int]]


def found_in(text: str, parameter: Parameter, services: frozenset[str]) -> JsonValue:
    """What the text says of a parameter; None when it says nothing, or more than one thing."""
    if parameter.kind is None or (parameter.kind == "weights" and _garbled(text)):
        return None
    return _single(_said(text, parameter, parameter.kind, services))


def _said(text: str, parameter: Parameter, kind: ParameterKind, services: frozenset[str]) -> Values:
    match kind:
        case "percent" | "duration_s" | "amount" | "number":
            return BY_WORDS[kind](text, parameter.words)
        case "service":
            return services_in(text, services)
        case "version":
            return _versions(text, services)
        case "registry":
            return (hit[1].rstrip("/") for hit in _images(text, services))
        case "weights":
            return _weights(text)
        case "word":
            return words_in(text, parameter.schema_.get("enum"))
        case "name":
            return names_in(text, nouns(parameter), services)
        case _:
            assert_never(kind)


def nouns(parameter: Parameter) -> tuple[str, ...]:
    """What the name of a parameter stands beside."""
    return parameter.words or (parameter.name.replace("_", " "),)


def several_in(text: str, parameter: Parameter, services: frozenset[str] = frozenset()) -> list[JsonValue]:
    """What the text says of a parameter when that cannot be one value: sequences of weights, versions, names.

    Other kinds are found by words nearby, where a second hit is often about something else.
    """
    match parameter.kind:
        case "weights":
            if garbled := _garbled(text):
                return [*garbled]
            found = _distinct(_weights(text))
        case "version":
            found = _distinct(_versions(text, services))
        case _:
            return []
    return found if len(found) > 1 else []


def unread_numbers(text: str, values: JsonObject) -> list[str]:
    """Numbers of the text that are in no value: nobody may think that they were followed."""
    taken = set(_flat(values))
    plain = IMAGE.sub(" ", VERSION.sub(" ", text)).replace("%", " ")
    said = [hit[1] for hit in PLAIN.finditer(plain)]
    return [number for number in said if not taken & {float(number) * factor for factor in FACTORS}]


def _flat(value: JsonValue) -> Iterator[float]:
    match value:
        case bool() | None:
            return
        case int() | float():
            yield float(value)
        case str():
            yield from (float(number) for number in re.findall(NUMBER, value))
        case list():
            for item in value:
                yield from _flat(item)
        case dict():
            for item in value.values():
                yield from _flat(item)


def _versions(text: str, services: frozenset[str]) -> Iterator[str]:
    images = [hit.span() for hit in IMAGE.finditer(text)]
    yield from (hit[3] for hit in _images(text, services))
    for hit in VERSION.finditer(text):
        if not any(start <= hit.start() < end for start, end in images):
            yield next(group for group in hit.groups() if group)


def _images(text: str, services: frozenset[str]) -> Iterator[re.Match[str]]:
    """References to an image of the service that is meant; of another name, nobody can say what is wanted."""
    meant = services_in(text, services)
    return (hit for hit in IMAGE.finditer(text) if not meant or hit[2] in meant)


def _weights(text: str) -> Iterator[list[int]]:
    return ([int(float(n)) for n in re.findall(NUMBER, hit[1])] for hit in WEIGHTS.finditer(text))


def _garbled(text: str) -> list[str]:
    """Rows of shares in which something is no share (`0% → -5% → 100%`): a part of one is never taken for the whole."""
    rows = (hit[0] for hit in ARROWS.finditer(text))
    return [row for row in rows if "%" in row and not all(map(SHARE.fullmatch, re.split(r"→|->|=>", row)))]


def _distinct(values: Values) -> list[JsonValue]:
    distinct: list[JsonValue] = []
    for value in values:
        if value not in distinct:
            distinct.append(value)  # type: ignore[arg-type]
    return distinct


def _single(values: Values) -> JsonValue:
    distinct = _distinct(values)
    return distinct[0] if len(distinct) == 1 else None
