"""Trying again, waiting one's turn, and asking another model."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from steersman.domain.errors import ConfigError, ToolError, UnavailableError
from steersman.domain.model import Answer, Model, Prompt
from steersman.domain.ports import Clock

MINUTE_S = 60.0
Jitter = Callable[[], float]
"""Between 0 and 1."""


def jitter() -> float:
    """A share of the wait, so that many who failed together do not come back together."""
    return secrets.randbelow(1_000) / 1_000


@dataclass(frozen=True, slots=True)
class Retried:
    """Asks again when the provider was away or busy. A stream that has begun is never begun again."""

    inner: Model
    clock: Clock
    attempts: int = 3
    backoff_s: float = 1.0
    longest_s: float = 30.0
    """A provider that wants a longer wait is not waited for."""
    share: Jitter = jitter

    @property
    def name(self) -> str:
        """Of the inner one."""
        return self.inner.name

    async def answer(self, prompt: Prompt) -> Answer:
        """As the inner one."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self.inner.answer(prompt)
            except UnavailableError as e:
                wait = self._wait(attempt, e)
                if attempt >= self.attempts or wait > self.longest_s:
                    raise
            await self.clock.sleep(wait)

    def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """As the inner one."""
        return self.inner.stream(prompt)

    def _wait(self, attempt: int, error: UnavailableError) -> float:
        grown = self.backoff_s * float(2 ** (attempt - 1)) * (0.5 + self.share())
        return max(error.retry_after_s or 0.0, grown)


@dataclass(slots=True)
class Pace:
    """How many requests go out in a minute; shared by all that use one provider."""

    per_minute: int
    clock: Clock
    _sent: deque[float] = field(default_factory=deque)

    async def turn(self) -> None:
        """Waits until one more may go out."""
        while True:
            now = self.clock.monotonic()
            while self._sent and now - self._sent[0] >= MINUTE_S:
                self._sent.popleft()
            if len(self._sent) < self.per_minute:
                self._sent.append(now)
                return
            await self.clock.sleep(MINUTE_S - (now - self._sent[0]))


@dataclass(frozen=True, slots=True)
class Paced:
    """Waits its turn before each attempt."""

    inner: Model
    pace: Pace

    @property
    def name(self) -> str:
        """Of the inner one."""
        return self.inner.name

    async def answer(self, prompt: Prompt) -> Answer:
        """As the inner one, in its turn."""
        await self.pace.turn()
        return await self.inner.answer(prompt)

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """As the inner one, in its turn."""
        await self.pace.turn()
        async for piece in self.inner.stream(prompt):
            yield piece


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """Asks the next model when one is away, misconfigured, or answers nothing usable. A spent budget ends it."""

    models: Sequence[Model]

    @property
    def name(self) -> str:
        """Of the first one."""
        return self.models[0].name

    async def answer(self, prompt: Prompt) -> Answer:
        """The first answer. Raises the last model's error when none has one."""
        for model in self.models[:-1]:
            try:
                return await model.answer(prompt)
            except (UnavailableError, ToolError, ConfigError):
                continue
        return await self.models[-1].answer(prompt)

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """The first stream that begins; one that has begun is not replaced."""
        for model in self.models[:-1]:
            begun = False
            try:
                async for piece in model.stream(prompt):
                    begun = True
                    yield piece
            except (UnavailableError, ToolError, ConfigError):
                if begun:
                    raise
            else:
                return
        async for piece in self.models[-1].stream(prompt):
            yield piece
