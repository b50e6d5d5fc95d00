"""Secrets by reference: configuration says where one is, never what it is."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from steersman.domain.errors import ConfigError


def resolve(reference: str) -> SecretStr:
    """The secret that `env:NAME` or `file:PATH` refers to. Raises ConfigError, never showing it, when there is none."""
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        if not os.environ.get(place):
            raise ConfigError(f"the secret {reference!r} is not there: set the variable {place}")
        return SecretStr(os.environ[place])
    if kind == "file" and place:
        return SecretStr(_read(place))
    raise ConfigError(f"{reference!r} refers to no secret; say env:NAME or file:PATH")


def _read(place: str) -> str:
    try:
        text = Path(place).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"the secret in {place!r} cannot be read ({type(e).__name__}); mend the path") from e
    if not text:
        raise ConfigError(f"the secret in {place!r} is empty")
    return text
