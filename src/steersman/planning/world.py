"""What a plan is made for and checked against, and what has been read of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from steersman.domain.environment import Environment
from steersman.domain.fact import Fact, Instant, JsonObject, canonical
from steersman.domain.ids import OperationName, ResourceId
from steersman.domain.operation import Invocation, Operation
from steersman.domain.signal import SignalName
from steersman.planning.goal_names import services_in


@dataclass(frozen=True, slots=True)
class World:
    """The environment, the closed set of operations, and what else a plan is measured by."""

    environment: Environment
    catalogue: Mapping[OperationName, Operation]
    kinds: Mapping[str, str]
    """Toolset -> kind of environment that it acts on; a toolset that is not named fits all."""
    protected: Callable[[ResourceId], bool]
    """The policy's protected set."""
    signals: frozenset[SignalName] = frozenset()
    """Signals that some source can measure here; conditions on others are problems."""
    services: frozenset[str] = frozenset()
    """Services known here: what a goal's text may name, and no others. Empty: not known."""
    workloads: frozenset[str] = frozenset()
    """Some of what runs here: a goal's text may name others as well."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """What parameters of these names are where a goal does not say: the namespace of a cluster's context."""
    list_workloads: OperationName | None = None
    """The read that tells of these, as keys of its output's `workloads`; None: nobody does."""
    admits_new: Callable[[ResourceId], bool] = lambda _: False
    """Where in the protected set something new may be made, such as a backup; what is there already stays as it is."""

    def named_in(self, text: str) -> frozenset[str]:
        """What a text is read with: all services that are known, else those workloads that it names."""
        return self.services or (frozenset(services_in(text, self.workloads)) if self.workloads else frozenset())


class Reading(Fact):
    """What a probe answered."""

    probe: Invocation
    state: JsonObject
    observed_at: Instant


Facts = Mapping[str, Reading]
"""Readings by the key of their probe."""


def probe_key(probe: Invocation) -> str:
    """The canonical text of a probe: equal for the same question, whoever asks it."""
    return canonical(probe).decode()


def facts_of(*readings: Reading) -> Facts:
    """Readings, ready to plan on."""
    return {probe_key(reading.probe): reading for reading in readings}


class Needs(Fact):
    """The planner cannot go on before these are read; call it again with the answers."""

    probes: tuple[Invocation, ...]
