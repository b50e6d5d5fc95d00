"""A model with all that must stand around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from steersman.domain.errors import ConfigError
from steersman.domain.model import Model
from steersman.domain.ports import Clock
from steersman.models.chat import ProviderModel
from steersman.models.keeping import Recording, Replay
from steersman.models.meter import Meter, Metered
from steersman.models.retry import Fallbacks, Jitter, Pace, Paced, Retried, jitter
from steersman.models.shape import Shaped
from steersman.models.spec import ModelSpec
from steersman.models.veil import Pseudonyms, Redact, Veiled


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the models of one run share."""

    meter: Meter
    clock: Clock
    redact: Redact
    pseudonyms: Pseudonyms
    paces: dict[str, Pace]
    """By provider; those without one are not paced."""
    attempts: int = 3
    share: Jitter = jitter
    record_to: Path | None = None
    replay_from: Path | None = None
    provider: Callable[[ModelSpec], Model] = ProviderModel
    """Makes the model that is guarded; a cached one where many runs share a client."""


def assembled(specs: Sequence[ModelSpec], around: Surroundings) -> Model:
    """The first model, with the others as fallbacks. Raises ConfigError when there is none."""
    inner: Model
    if around.replay_from is not None:
        inner = Replay(around.replay_from)
    elif not specs:
        raise ConfigError("no model is configured; set `model: google_genai:NAME` or go on without")
    else:
        models = [guarded(around.provider(spec), spec, around) for spec in specs]
        inner = models[0] if len(models) == 1 else Fallbacks(models)
        if around.record_to is not None:
            inner = Recording(inner, around.record_to)
    return Shaped(Veiled(inner, around.redact, around.pseudonyms))


def guarded(model: Model, spec: ModelSpec, around: Surroundings) -> Model:
    """One model under the meter, in its turn, and asked again when it was away."""
    attempt: Model = Metered(model, around.meter, spec.price)
    pace = around.paces.get(spec.provider)
    if pace is not None:
        attempt = Paced(attempt, pace)
    return Retried(attempt, around.clock, around.attempts, share=around.share)
