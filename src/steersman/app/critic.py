"""The configured critic as the gate asks it: one meter for each run, whose ledger pays."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from steersman.app.minds import Masking, Minds, model_name
from steersman.app.settings import Settings
from steersman.domain.errors import ConfigError
from steersman.domain.fact import JsonObject
from steersman.domain.ids import RunId
from steersman.domain.policy import Opinion
from steersman.gate.critic import Critic
from steersman.journal.port import Ledger

REMEMBERED = 256


@dataclass(slots=True)
class ModelCritic:
    """Implements `gate.critic.Critic`. Caps hold for each run; when they are reached the gate asks a person."""

    settings: Settings
    masking: Masking
    ledger: Ledger
    _minds: dict[RunId, Minds] = field(default_factory=dict)

    async def __call__(self, about: JsonObject, run_id: RunId) -> Opinion:
        """The model's opinion. Raises what a model raises."""
        from steersman.agents.guardrail import opinion_of

        model = self._of(run_id).model("critic")
        if model is None:
            raise ConfigError("no critic is configured; set `models.critic` to PROVIDER:NAME")
        return await opinion_of(model, about)

    def _of(self, run_id: RunId) -> Minds:
        if run_id not in self._minds:
            if len(self._minds) >= REMEMBERED:
                self._minds.pop(next(iter(self._minds)))
            self._minds[run_id] = Minds(self.settings, self.masking, partial(self.ledger.charge, run_id, "do"))
        return self._minds[run_id]


def configured(settings: Settings, masking: Masking, ledger: Ledger) -> Critic | None:
    """The critic of the configuration; None where none is named."""
    return ModelCritic(settings, masking, ledger) if model_name(settings, "critic") else None
