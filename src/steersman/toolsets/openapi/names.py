"""Names of operations and arguments: plain, short, and each there once."""

from __future__ import annotations

import re
from collections.abc import Container

_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_ARGUMENT = re.compile(r"[^A-Za-z0-9_-]+")
LENGTH = 56
"""With the toolset's name in front it stays within the 64 characters that models' tool interfaces allow, mostly."""


def verb(operation_id: object, method: str, path: str, *, taken: Container[str]) -> str:
    """The operation's name: its id in snake case, else its method and path."""
    text = operation_id if isinstance(operation_id, str) and operation_id.strip() else f"{method} {_spoken(path)}"
    name = "_".join(part for part in _BREAK.split(text) if part).lower()
    name = name if name[:1].isalpha() else f"op_{name}"
    return _free(name[:LENGTH].rstrip("_"), taken)


def argument(name: str, place: str, *, taken: Container[str]) -> str:
    """The argument that a parameter is given by: its name, with the place in front where two share one."""
    plain = _ARGUMENT.sub("_", name).strip("_") or place
    return plain if plain not in taken else _free(f"{place}_{plain}", taken)


def _free(name: str, taken: Container[str]) -> str:
    made, number = name, 2
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    return made


def _spoken(path: str) -> str:
    return re.sub(r"\{([^}]*)\}", r"by \1", path)
