"""Places in a text that say which version of something is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steersman.domain.errors import ToolError


@dataclass(frozen=True, slots=True)
class Span:
    """One such place: `text[start:end]` is what is written there, `value` what it means."""

    start: int
    end: int
    value: str
    is_image: bool = False
    """Whether it follows the name of an image: a tag is then written behind a colon."""

    def written(self, value: str) -> str:
        """How a value is written in this place."""
        return f":{value}" if self.is_image and value and not value.startswith("@") else value


def image_name(reference: str) -> tuple[str, str]:
    """Name and version part of an image: `a.test:5000/x:1@sha256:2` is `a.test:5000/x` and `1@sha256:2`."""
    plain, at, digest = reference.partition("@")
    slash = plain.rfind("/")
    colon = plain.find(":", slash + 1)
    name = plain if colon < 0 else plain[:colon]
    tag = "" if colon < 0 else plain[colon + 1 :]
    return name, f"{tag}{at}{digest}"


def image_span(reference: str, start: int) -> Span:
    """The version part of an image that stands at `start`."""
    name, value = image_name(reference)
    return Span(start + len(name), start + len(reference), value, is_image=True)


def replaced(text: str, spans: Sequence[Span], value: str) -> str:
    """The text with another value in each of the places, and not one other character changed."""
    for span in sorted(spans, key=lambda each: each.start, reverse=True):
        text = text[: span.start] + span.written(value) + text[span.end :]
    return text


def one_value(spans: Sequence[Span], package: str) -> str:
    """The value that all of them share. Raises ToolError when they differ."""
    values = sorted({span.value for span in spans})
    if len(values) > 1:
        raise ToolError(f"{package!r} is used in several versions: {', '.join(map(repr, values))}; make them one first")
    return values[0]
