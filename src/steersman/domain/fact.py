"""The frozen base of every value that crosses a border, and its canonical form."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, NewType

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, StringConstraints

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
    """The one byte form of a value: UTF-8 JSON, keys sorted, no spaces.

    Raises ValueError for NaN and infinity, which JSON cannot carry.
    Source: the idea of RFC 8785; numbers keep Python's shortest repr.
    """
    plain = value.model_dump(mode="json", by_alias=True) if isinstance(value, Fact) else value
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Fact | JsonValue) -> Digest:
    """SHA-256 of the canonical form."""
    return Digest("sha256:" + hashlib.sha256(canonical(value)).hexdigest())
