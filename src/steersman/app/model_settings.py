"""Configuration of language models: which for what, at what price, and how much of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from steersman.app.section import Reference, Section

ModelName = Annotated[str, Field(pattern=r"^$|^(google_genai|openai|anthropic|ollama|llama_cpp):.+$")]
"""`PROVIDER:NAME`, as in `google_genai:gemini-2.5-flash`."""


class ProviderSettings(Section):
    """How a provider is reached."""

    key: Reference | None = None
    """Its key, as `env:NAME`, `file:PATH` or `vault:PATH#KEY`; without it the provider's usual variable, where set."""
    url: str = ""
    """Empty: the provider's own. For `openai` any server that speaks its protocol, for `llama_cpp` as in
    `http://127.0.0.1:8080/v1`.
    """
    requests_per_minute: int | None = Field(default=None, ge=1)
    """More wait their turn."""


class PriceSettings(Section):
    """What a model costs, in USD for a million tokens."""

    input: float = Field(ge=0)
    """Of what it is told."""
    output: float = Field(ge=0)
    """Of what it says, thoughts included."""
    cached: float | None = Field(default=None, ge=0)
    """Of what it is told and the provider had cached; without it as `input`."""


class ModelCapSettings(Section):
    """Hard upper bounds of what one run, question or plan may spend on models; enforced in code, in front of them."""

    calls: int = Field(default=60, ge=0)
    """Attempts, those that fail included."""
    seconds: float = Field(default=600, ge=0)
    """From the first call on."""
    tokens: int = Field(default=200_000, ge=0)
    """In and out."""
    money_usd: float = Field(default=1.0, ge=0)
    """A model without a price in `models.prices` is taken to be a dear one."""


class ModelsSettings(Section):
    """Language models beside the main one, and what holds for all of them."""

    planner: ModelName = ""
    """Reads goals and drafts plans; empty: `model`."""
    sub_agent: ModelName = ""
    """Chooses what to look at; empty: `model`."""
    writer: ModelName = ""
    """Words answers and summaries; empty: `model`."""
    critic: ModelName = ""
    """Second opinion on plans and changes, asked by the gate; can only make decisions stricter; empty: none."""
    fallbacks: tuple[ModelName, ...] = ()
    """Asked in this order when a model is away or answers nothing usable."""
    providers: dict[str, ProviderSettings] = {}
    prices: dict[str, PriceSettings] = {}
    caps: ModelCapSettings = ModelCapSettings()
    timeout_s: float = Field(default=60, gt=0, le=900)
    """For one answer."""
    attempts: int = Field(default=3, ge=1, le=10)
    """At one answer, when the provider is away or busy."""
    window_tokens: int = Field(default=8_192, ge=2_048)
    """What the smallest of the models takes in one call, question and answer together."""
    pseudonyms: tuple[str, ...] = ()
    """Words that never leave: names of customers, projects, people. Hosts, addresses and mail never do."""
