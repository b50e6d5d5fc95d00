"""Reading a server's JSON: what has another shape than documented is a clear line, never a traceback."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, TypeVar

from pydantic import JsonValue, ValidationError

from steersman.domain.errors import ToolError
from steersman.remote.text import one_line

T = TypeVar("T")
Value = float | Literal["NaN", "+Inf", "-Inf"]
"""A sample as it may stand in JSON, which has no words for what is no number."""


@contextmanager
def reading(server: str, what: str) -> Iterator[None]:
    """Turns what goes wrong while an answer is taken apart into ToolError."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, ValidationError) as e:
        detail = one_line(str(e), limit=160)
        raise ToolError(
            f"{server}: the answer to {what!r} has an unexpected shape ({type(e).__name__}: {detail}); "
            "is this another product or version?"
        ) from e


def items(value: JsonValue) -> list[dict[str, JsonValue]]:
    """A list of objects. Raises TypeError for anything else; absent is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"wants a list, not {type(value).__name__}")
    return [mapping(item) for item in value]


def mapping(value: JsonValue) -> dict[str, JsonValue]:
    """An object. Raises TypeError for anything else; absent is empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"wants an object, not {type(value).__name__}")
    return value


def texts(value: JsonValue) -> tuple[str, ...]:
    """A list of strings. Raises TypeError for anything else; absent is empty."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise TypeError(f"wants a list, not {type(value).__name__}")
    return tuple(map(str, value))


def labels(value: JsonValue) -> dict[str, str]:
    """An object of strings. Raises TypeError for anything else; absent is empty."""
    return {name: str(text) for name, text in mapping(value).items()}


def real(value: JsonValue) -> float:
    """A number, which may be written as a string; NaN and infinity are themselves. Raises ValueError or TypeError."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"wants a number, not {type(value).__name__}")
    return float(value)


def sample(value: JsonValue) -> Value:
    """A number, or the word for what is none."""
    found = real(value)
    if math.isnan(found):
        return "NaN"
    if math.isinf(found):
        return "+Inf" if found > 0 else "-Inf"
    return found


def first(values: Sequence[T], limit: int) -> tuple[tuple[T, ...], int]:
    """As many as the limit allows, and how many were left out."""
    return tuple(values[:limit]), max(len(values) - limit, 0)
