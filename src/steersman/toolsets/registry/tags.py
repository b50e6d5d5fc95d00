"""Which tag is the patched one: the newest of the same flavour. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_VERSION = re.compile(
    r"(?P<prefix>v?)(?P<numbers>[0-9]+(?:\.[0-9]+){0,3})(?P<flavour>(?:-[a-z][A-Za-z0-9._]*|-[0-9]+)*)"
)
_UNFINISHED = re.compile(r"-(?:rc|alpha|beta|dev|preview|nightly|snapshot)[0-9.]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that holds a version."""

    text: str
    prefix: str
    numbers: tuple[int, ...]
    flavour: str


@dataclass(frozen=True, slots=True)
class Newer:
    """What there is beyond a tag, newest first, of the same flavour and precision."""

    patch: str
    """The newest with the same major and minor number; the tag itself when there is none."""
    minor: str
    """The newest with the same major number."""
    all: tuple[str, ...]


def newer(tag: str, known: Sequence[str]) -> Newer:
    """Tags that are newer than one. A tag such as `3.12-slim` moves by itself: there, `patch` is the tag."""
    here = _tag(tag)
    if here is None:
        return Newer(tag, tag, ())
    found = [each for each in map(_tag, known) if each is not None and _is_kin(each, here)]
    later = sorted((each for each in found if each.numbers > here.numbers), key=lambda each: each.numbers, reverse=True)
    return Newer(
        patch=next((each.text for each in later if each.numbers[:2] == here.numbers[:2]), tag),
        minor=next((each.text for each in later if each.numbers[:1] == here.numbers[:1]), tag),
        all=tuple(each.text for each in later),
    )


def _tag(text: str) -> Tag | None:
    match = _VERSION.fullmatch(text)
    if match is None or _UNFINISHED.search(text):
        return None
    numbers = tuple(int(part) for part in match["numbers"].split("."))
    return Tag(text, match["prefix"], numbers, match["flavour"])


def _is_kin(one: Tag, other: Tag) -> bool:
    return (one.prefix, one.flavour, len(one.numbers)) == (other.prefix, other.flavour, len(other.numbers))
