"""What opening a system gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from steersman.domain.environment import Environment, Tier
from steersman.domain.errors import ConfigError
from steersman.domain.ports import Clock, Source, Toolset
from steersman.domain.reference import Reveal
from steersman.domain.signal import SignalName


def _no_key(_: bytes) -> bytes:
    raise ConfigError("a system that needs a key was opened without the keyring")


@dataclass(frozen=True, slots=True)
class Opening:
    """For whom a system is opened."""

    name: str
    """Of the environment, as configuration calls it."""
    tier: Tier
    home: Path
    """State, where a system needs any."""
    clock: Clock
    secret_key: Callable[[bytes], bytes] = _no_key
    """A key for a purpose: the same in each process that shares the journal's keys, and derived from them."""
    reveal: Reveal | None = None
    """Opens references to secrets, where a system before this one keeps them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One system of an environment, open."""

    toolset: Toolset
    where: Environment
    """Its own identity, as it was when it was opened: a write to anything else is refused."""
    source: Source | None = None
    """Telemetry that it gives, where it gives any."""
    version: Callable[[], Awaitable[str]] | None = None
    """Asks the system which one answers, for `steer doctor`; raises as calls do. None: its identity has to do."""
    signals: frozenset[SignalName] = frozenset()
    """What that telemetry can measure."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """What parameters of plans are here where a goal does not say."""
    also: tuple[Toolset, ...] = ()
    """More toolsets of the same identity."""
    reveal: Reveal | None = None
    """Opens references to secrets, where it keeps any."""
