"""What servers said while a call went on, whole, for whoever wants to keep it: answers are shown in part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

MOST_BYTES = 64 * 2**20
"""Held of one call; what comes after that is not."""


@dataclass(slots=True)
class Heard:
    """Bodies of answers, in the order in which they came."""

    bodies: list[bytes] = field(default_factory=list)
    missed_bytes: int = 0

    def add(self, body: bytes) -> None:
        """Holds one more, while there is room."""
        if sum(map(len, self.bodies)) + len(body) <= MOST_BYTES:
            self.bodies.append(body)
        else:
            self.missed_bytes += len(body)


_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


def overhear(body: bytes) -> None:
    """Hands an answer to whoever listens; as a rule nobody does."""
    heard = _heard.get()
    if heard is not None:
        heard.add(body)


@contextmanager
def listening() -> Iterator[Heard]:
    """Everything that is answered inside, in this task and those that it starts."""
    heard = Heard()
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)
