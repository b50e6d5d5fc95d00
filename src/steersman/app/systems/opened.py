"""What opening a system gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from steersman.domain.environment import Environment, Tier
from steersman.domain.ports import Clock, Source, Toolset
from steersman.domain.signal import SignalName


@dataclass(frozen=True, slots=True)
class Opening:
    """For whom a system is opened."""

    name: str
    """Of the environment, as configuration calls it."""
    tier: Tier
    home: Path
    """State, where a system needs any."""
    clock: Clock


@dataclass(frozen=True, slots=True)
class Opened:
    """One system of an environment, open."""

    toolset: Toolset
    where: Environment
    """Its own identity, as it was when it was opened: a write to anything else is refused."""
    source: Source | None = None
    """Telemetry that it gives, where it gives any."""
    signals: frozenset[SignalName] = frozenset()
    """What that telemetry can measure."""
    also: tuple[Toolset, ...] = ()
    """More toolsets of the same identity."""
