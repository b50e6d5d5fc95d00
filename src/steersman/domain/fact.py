"""The frozen base of every value that crosses a border, and its canonical form."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, StringConstraints
from pydantic_core import to_jsonable_python

Digest = NewType("Digest", str)
"""`sha256:` and 64 hex digits."""

Instant = AwareDatetime
"""An aware instant; UTC wherever it is written."""

Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]
"""A short name that is safe in a file name, a URL path and a terminal."""

JsonObject = dict[str, JsonValue]


class Fact(BaseModel):
    """Immutable, closed (unknown keys are errors), survives JSON and msgpack."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def canonical(value: Fact | JsonValue) -> bytes:
    """The one byte form of a value: UTF-8 JSON, keys and sets sorted, instants in UTC, no spaces.

    Raises ValueError for NaN and infinity, which JSON cannot carry.
    Source: the idea of RFC 8785; numbers keep Python's shortest repr.
    """
    plain = value.model_dump(by_alias=True) if isinstance(value, Fact) else value
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_canonical_leaf
    )
    return text.encode()


def _canonical_leaf(value: object) -> object:
    """A set has no order of its own (it changes with each process), and one instant has many spellings."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return to_jsonable_python(value)


def digest(value: Fact | JsonValue) -> Digest:
    """SHA-256 of the canonical form."""
    return Digest("sha256:" + hashlib.sha256(canonical(value)).hexdigest())
