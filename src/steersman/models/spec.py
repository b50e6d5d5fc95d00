"""Which model, where, at what price, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from pydantic import SecretStr

from steersman.domain.errors import ConfigError
from steersman.domain.fact import Fact
from steersman.domain.model import Usage

Provider = Literal["google_genai", "openai", "anthropic", "ollama", "llama_cpp"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
LOCAL: frozenset[Provider] = frozenset({"ollama", "llama_cpp"})
"""They cost nothing but time."""

MILLION = 1_000_000


class Price(Fact):
    """USD for a million tokens."""

    input: float
    output: float
    cached: float | None = None
    """Of input tokens that the provider had cached; None: as the others."""

    def of(self, usage: Usage) -> float:
        """What a call costs."""
        fresh = max(0, usage.input_tokens - usage.cached_tokens)
        cached = self.input if self.cached is None else self.cached
        return (fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output) / MILLION


FREE = Price(input=0, output=0)
ASSUMED = Price(input=15, output=75)
"""For a model whose price nobody configured: dearer than most, so that a cap in money holds all the same."""


class Caps(Fact):
    """Hard upper bounds of one run, over all its models."""

    calls: int = 60
    """Attempts, retries included."""
    seconds: float = 600.0
    tokens: int = 200_000
    money_usd: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of one provider."""

    provider: Provider
    model: str
    url: str = ""
    """Empty: the provider's own."""
    key: SecretStr = field(default_factory=lambda: SecretStr(""))
    price: Price = ASSUMED
    timeout_s: float = 60.0
    """For a whole answer."""
    window_tokens: int = 8_192
    """What fits into one call, question and answer together."""

    @property
    def name(self) -> str:
        """`provider:model`, as in the configuration."""
        return f"{self.provider}:{self.model}"


def parted(name: str) -> tuple[Provider, str]:
    """Provider and model of `google_genai:gemini-2.5-flash`. Raises ConfigError for another form."""
    provider, colon, model = name.partition(":")
    for known in PROVIDERS:
        if provider == known and colon and model:
            return known, model
    raise ConfigError(f"model {name!r}: wants PROVIDER:NAME, where PROVIDER is one of {', '.join(PROVIDERS)}")
