"""Where a secret lies, never the secret itself: what plans, journals and cards hold in the place of a value."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from pydantic import JsonValue, StringConstraints

from steersman.domain.errors import InputError, ToolError
from steersman.domain.fact import Fact

PATH = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}(?:/[A-Za-z0-9][A-Za-z0-9._@-]{0,127}){0,15}"
FIELD = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
STAGED = "_steersman-staged"
"""Folder of the KV mount where new credentials wait until somebody has proved that they work. No path that a person
gives begins so.
"""
_PLACE = rf"(?:{STAGED}/)?{PATH}"
VAULT = rf"^vault:{_PLACE}(?:\?version=[1-9][0-9]{{0,8}})?(?:#{FIELD})?$"

VaultReference = Annotated[str, StringConstraints(pattern=VAULT, max_length=600)]
"""`vault:app/db?version=3#password`: a path under the configured KV mount; without a version the current one, without
a field all of them.
"""

_PARTS = re.compile(rf"vault:(?P<path>{_PLACE})(?:\?version=(?P<version>[1-9][0-9]{{0,8}}))?(?:#(?P<field>{FIELD}))?")


class SecretPlace(Fact):
    """A reference taken apart."""

    path: str
    version: int = 0
    """0: the current one."""
    field: str = ""
    """Empty: all fields."""

    def __str__(self) -> str:
        version = f"?version={self.version}" if self.version else ""
        return f"vault:{self.path}{version}" + (f"#{self.field}" if self.field else "")


Reveal = Callable[[SecretPlace], Awaitable[Mapping[str, str]]]
"""Opens a reference: fields and their values, for the one who uses them at once. They go into no answer."""


class MissingSecretError(ToolError):
    """Nothing can be read where a reference points: it is deleted, destroyed, or was never there."""


def is_reference(schema: JsonValue) -> bool:
    """Whether a JSON Schema takes references to secrets and nothing else: what stands there is no secret itself."""
    if not isinstance(schema, dict):
        return False
    listed = schema.get("anyOf")
    choices = [each for each in listed if each != {"type": "null"}] if isinstance(listed, list) else []
    return schema.get("pattern") == VAULT or (bool(choices) and all(map(is_reference, choices)))


def place_of(reference: str) -> SecretPlace:
    """The parts of a `vault:` reference. Raises InputError for anything else; the text itself is not repeated."""
    found = _PARTS.fullmatch(reference)
    if found is None:
        raise InputError("a reference to a secret reads vault:PATH, vault:PATH#FIELD or vault:PATH?version=N#FIELD")
    return SecretPlace(path=found["path"], version=int(found["version"] or 0), field=found["field"] or "")
