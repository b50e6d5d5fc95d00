"""Caps on calls, time, tokens and money. Enforced here, in code around the model: it cannot talk its way past them.

Each attempt is reserved before it is sent, at its likely cost, and settled after it: attempts side by side do not share
what is left, and a cap is never passed by more than one attempt.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from steersman.domain.errors import BudgetExceededError
from steersman.domain.finding import Cost
from steersman.domain.model import Answer, Model, Prompt, Usage
from steersman.domain.ports import Clock
from steersman.models.spec import Caps, Price
from steersman.models.tokens import estimated, prompt_tokens

Charge = Callable[[Cost], Awaitable[object]]
"""Charges a run in the gate's ledger; raises BudgetExceededError when the run has no more."""

LEAST_SHARE = 0.5
"""Of our estimate: a provider that reports less than this is not believed."""


@dataclass(slots=True)
class Meter:
    """What one run has spent on all its models, and may still spend."""

    caps: Caps
    clock: Clock
    charge: Charge | None = None
    calls: int = 0
    tokens: int = 0
    money_usd: float = 0.0
    _started: float | None = None
    _held_tokens: int = field(default=0)
    _held_usd: float = field(default=0.0)

    @property
    def seconds(self) -> float:
        """Since the first call."""
        return 0.0 if self._started is None else self.clock.monotonic() - self._started

    def spent(self) -> Cost:
        """All of it."""
        return Cost(calls=self.calls, seconds=self.seconds, tokens=self.tokens, money_usd=self.money_usd)

    def left_s(self) -> float:
        """Seconds that a call may still take."""
        return max(0.0, self.caps.seconds - self.seconds)

    def reserve(self, likely: Usage) -> None:
        """Takes the likely cost of an attempt. Raises BudgetExceededError when a cap is reached already."""
        if self._started is None:
            self._started = self.clock.monotonic()
        caps = self.caps
        reached = [
            f"{used:g} of {cap:g} {what}"
            for used, cap, what in (
                (self.calls, caps.calls, "calls"),
                (self.seconds, caps.seconds, "seconds"),
                (self.tokens + self._held_tokens, caps.tokens, "tokens"),
                (self.money_usd + self._held_usd, caps.money_usd, "USD"),
            )
            if used >= cap
        ]
        if reached:
            raise BudgetExceededError(
                f"caps on language models are reached: {', '.join(reached)}; raise models.caps or go on without one"
            )
        self.calls += 1
        self._held_tokens += likely.tokens
        self._held_usd += likely.money_usd

    async def settle(self, likely: Usage, real: Usage) -> None:
        """Puts the real cost in the place of the likely one, here and in the ledger."""
        self._held_tokens -= likely.tokens
        self._held_usd -= likely.money_usd
        self.tokens += real.tokens
        self.money_usd += real.money_usd
        if self.charge is not None:
            await self.charge(Cost(tokens=real.tokens, money_usd=real.money_usd))


@dataclass(frozen=True, slots=True)
class Metered:
    """Lets an attempt through when it can be paid, and pays."""

    inner: Model
    meter: Meter
    price: Price

    @property
    def name(self) -> str:
        """Of the inner one."""
        return self.inner.name

    async def answer(self, prompt: Prompt) -> Answer:
        """As the inner one. An attempt that fails is paid as if the prompt had been read: it may have been."""
        likely = self._likely(prompt)
        self.meter.reserve(likely)
        real = self._failed(prompt)
        try:
            answer = await self.inner.answer(prompt)
            real = self._real(prompt, answer)
        finally:
            await self.meter.settle(likely, real)
        return answer.model_copy(update={"usage": real})

    async def stream(self, prompt: Prompt) -> AsyncIterator[str | Answer]:
        """As the inner one. A stream that is cut or given up is paid for what came."""
        likely = self._likely(prompt)
        self.meter.reserve(likely)
        came, whole = 0, None
        try:
            async for piece in self.inner.stream(prompt):
                if isinstance(piece, Answer):
                    whole = self._paid(prompt, piece)
                else:
                    came += len(piece)
                    yield piece
        finally:
            cut = self._failed(prompt, came)
            await self.meter.settle(likely, whole.usage if whole else cut)
        if whole is not None:
            yield whole

    def _paid(self, prompt: Prompt, answer: Answer) -> Answer:
        return answer.model_copy(update={"usage": self._real(prompt, answer)})

    def _likely(self, prompt: Prompt) -> Usage:
        return self._priced(Usage(input_tokens=prompt_tokens(prompt), output_tokens=prompt.max_output_tokens // 4))

    def _failed(self, prompt: Prompt, characters: int = 0) -> Usage:
        return self._priced(Usage(input_tokens=prompt_tokens(prompt), output_tokens=estimated("x" * characters)))

    def _real(self, prompt: Prompt, answer: Answer) -> Usage:
        """What the provider reports, unless that is too little to be true."""
        told = answer.usage
        said = answer.text + "".join(request.model_dump_json() for request in answer.requests)
        least_in, least_out = (int(n * LEAST_SHARE) for n in (prompt_tokens(prompt), estimated(said)))
        usage = Usage(
            input_tokens=max(told.input_tokens, least_in),
            output_tokens=max(told.output_tokens, least_out),
            cached_tokens=max(0, min(told.cached_tokens, told.input_tokens)),
        )
        return self._priced(usage)

    def _priced(self, usage: Usage) -> Usage:
        return usage.model_copy(update={"money_usd": self.price.of(usage)})
