"""What a detector reports: one service, one way of looking, how far from usual."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from steersman.diagnosis.bundle import NONE, Bundle
from steersman.domain.fact import JsonObject
from steersman.domain.finding import FaultKind

Modality = Literal["latency", "structure", "logs", "errors", "resources", "series", "changes"]


@dataclass(frozen=True, slots=True)
class Symptom:
    """Something unusual about one service. `text` is made by code and quotes nothing."""

    service: int
    modality: Modality
    kind: FaultKind
    """The fault that would show like this, seen alone."""
    score: float
    """0..1; one half is the most that healthy systems show."""
    text: str
    value: str
    query: JsonObject
    instance: int = int(NONE)
    version: int = int(NONE)
    onset: float = float("nan")
    excerpt: str = ""
    """Untrusted: a line, an operation's name. Goes into evidence, nowhere else."""
    quick: bool = False
    """Whether requests that fail take no longer than healthy ones do: then they did not wait for anything."""
    toward: int = int(NONE)
    """The service that is called too often, where that is what it is about."""
    blamed_from: int = int(NONE)
    """The service in whose behaviour it was seen, when that is another one."""


Detector = Callable[[Bundle], Sequence[Symptom]]
