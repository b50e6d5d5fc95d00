"""Secrets by reference: configuration says where one is, never what it is.

What is resolved here is known to every redactor of this process from then on, whoever uses it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from weakref import WeakSet

from pydantic import BaseModel, SecretStr

from steersman.domain.errors import ConfigError
from steersman.domain.reference import Reveal, place_of
from steersman.gate.redaction import Redactor

VAULT = "vault:"
_known: set[str] = set()
_redactors: WeakSet[Redactor] = WeakSet()
_from_vault: ContextVar[Mapping[str, SecretStr] | None] = ContextVar("from_vault", default=None)


def redactor() -> Redactor:
    """A redactor that knows, and will know, every secret that this process has resolved."""
    made = Redactor()
    made.learn(_known)
    _redactors.add(made)
    return made


def learn(values: Iterable[str]) -> None:
    """Tells all redactors of secrets that came from somewhere else, as from a login."""
    found = set(values) - _known
    if found:
        _known.update(found)
        for each in _redactors:
            each.learn(found)


def resolve(reference: str) -> SecretStr:
    """The secret that `env:NAME`, `file:PATH` or `vault:PATH#FIELD` refers to.

    Raises ConfigError, never showing it, when there is none; `vault:` works where the environment has a Vault.
    """
    found = _found(reference)
    learn((found,))
    return SecretStr(found)


def _found(reference: str) -> str:
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        if not os.environ.get(place):
            raise ConfigError(f"the secret {reference!r} is not there: set the variable {place}")
        return os.environ[place]
    if kind == "file" and place:
        return _read(place)
    if reference.startswith(VAULT):
        known = _from_vault.get() or {}
        if reference not in known:
            raise ConfigError(f"the secret {reference!r} needs a Vault in the same environment; configure `vault`")
        return known[reference].get_secret_value()
    raise ConfigError(  # what stands there may be the secret itself
        "a secret is given by reference: env:NAME, file:PATH or vault:PATH#FIELD; what is configured is none of them"
    )


@asynccontextmanager
async def opened_by(reveal: Reveal, *sections: object) -> AsyncIterator[None]:
    """Looks up all `vault:` references in these sections, so that `resolve` knows them inside of the block."""
    found: dict[str, SecretStr] = {}
    for reference in sorted({each for section in sections if section is not None for each in _references(section)}):
        place = place_of(reference)
        if not place.field:
            raise ConfigError(f"{reference!r} names no field; say vault:PATH#FIELD")
        value = (await reveal(place))[place.field]
        learn((value,))
        found[reference] = SecretStr(value)
    before = _from_vault.set({**(_from_vault.get() or {}), **found})
    try:
        yield
    finally:
        _from_vault.reset(before)


def _references(value: object) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(VAULT):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _references(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _references(each)


def _read(place: str) -> str:
    try:
        text = Path(place).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"the secret in {place!r} cannot be read ({type(e).__name__}); mend the path") from e
    if not text:
        raise ConfigError(f"the secret in {place!r} is empty")
    return text
