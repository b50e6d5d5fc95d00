"""Language models as configured: by role, with meter, veil and fallbacks around them. Everything works without."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, get_args

from pydantic import SecretStr

from steersman.app.model_settings import ProviderSettings
from steersman.app.secrets import resolve
from steersman.app.settings import Settings
from steersman.app.store import CLOCK
from steersman.domain.model import Model, ModelRole
from steersman.models.chat import ProviderModel
from steersman.models.meter import Charge, Meter
from steersman.models.opening import Surroundings, assembled
from steersman.models.retry import Pace
from steersman.models.spec import ASSUMED, FREE, LOCAL, Caps, ModelSpec, Price, Provider, parted
from steersman.models.veil import Pseudonyms

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

ROLES: tuple[ModelRole, ...] = get_args(ModelRole)
USUAL_KEYS: dict[Provider, tuple[str, ...]] = {
    "google_genai": ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
}
"""Variables that are looked at when the configuration names no key."""


class Masking(Protocol):
    """Takes secrets out of texts, and learns new ones."""

    def text(self, text: str) -> str:
        """The text without them."""
        ...

    def learn(self, values: list[str]) -> None:
        """Values that must never be seen again."""
        ...


def model_name(settings: Settings, role: ModelRole) -> str:
    """Which model a role has; empty: none."""
    own: str = getattr(settings.models, role)
    return own or ("" if role == "critic" else settings.model)


def specs(settings: Settings, role: ModelRole) -> list[ModelSpec]:
    """The role's model and its fallbacks. Raises ConfigError for a key that is not there."""
    first = model_name(settings, role)
    names = [first, *settings.models.fallbacks] if first else []
    return [spec(settings, name) for name in dict.fromkeys(names)]


def spec(settings: Settings, name: str) -> ModelSpec:
    """One configured model. Raises ConfigError for a name or key that is none."""
    provider, model = parted(name)
    reached = settings.models.providers.get(provider, ProviderSettings())
    return ModelSpec(
        provider=provider,
        model=model,
        url=reached.url,
        key=_key(provider, reached),
        price=price(settings, name),
        timeout_s=settings.models.timeout_s,
        window_tokens=settings.models.window_tokens,
    )


def price(settings: Settings, name: str) -> Price:
    """What is configured; nothing for local models; else more than most cost."""
    told = settings.models.prices.get(name)
    if told is not None:
        return Price(input=told.input, output=told.output, cached=told.cached)
    return FREE if parted(name)[0] in LOCAL else ASSUMED


def _key(provider: Provider, reached: ProviderSettings) -> SecretStr:
    if reached.key is not None:
        return resolve(reached.key)
    usual = next((os.environ[name] for name in USUAL_KEYS.get(provider, ()) if os.environ.get(name)), "")
    return SecretStr(usual)


@dataclass(slots=True)
class Minds:
    """The models of one run: one meter and one table of pseudonyms for all of them."""

    settings: Settings
    masking: Masking
    charge: Charge | None = None
    record_to: Path | None = None
    replay_from: Path | None = None
    provider: Callable[[ModelSpec], Model] = ProviderModel
    _around: Surroundings | None = None

    def model(self, role: ModelRole) -> Model | None:
        """The model of a role; None when none is configured. Raises ConfigError for what is configured wrongly."""
        if self.replay_from is not None:
            return assembled([], self.around)
        found = specs(self.settings, role)
        self.masking.learn([each.key.get_secret_value() for each in found])
        return assembled(found, self.around) if found else None

    def chat(self, role: ModelRole) -> BaseChatModel | None:
        """The same as LangChain's agents take it, with the same guards around it."""
        model = self.model(role)
        if model is None:
            return None
        from steersman.models.bridge import GuardedChat

        return GuardedChat(model=model)

    @property
    def around(self) -> Surroundings:
        """What they share."""
        if self._around is None:
            held = self.settings.models
            self._around = Surroundings(
                meter=Meter(Caps(**held.caps.model_dump()), CLOCK, self.charge),
                clock=CLOCK,
                redact=self.masking.text,
                pseudonyms=Pseudonyms(held.pseudonyms),
                paces=paces(self.settings),
                attempts=held.attempts,
                record_to=self.record_to,
                replay_from=self.replay_from,
                provider=self.provider,
            )
        return self._around


def paces(settings: Settings) -> dict[str, Pace]:
    """The configured rates."""
    rates = {name: reached.requests_per_minute for name, reached in settings.models.providers.items()}
    return {name: _pace(name, rate) for name, rate in rates.items() if rate is not None}


@cache
def _pace(_provider: str, per_minute: int) -> Pace:
    """One for each provider in this process: its limit counts all runs together."""
    return Pace(per_minute, CLOCK)


def open_model(settings: Settings, role: ModelRole, masking: Masking, *, charge: Charge | None = None) -> Model | None:
    """One model for one purpose; `Minds` where several share caps and pseudonyms."""
    return Minds(settings, masking, charge).model(role)
