"""What the engine gets from others, and what it hands to its graph's nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from steersman.domain.call import Direction, Grant
from steersman.domain.environment import Principal
from steersman.domain.event import CallSettled
from steersman.domain.finding import Verdict
from steersman.domain.ids import OperationName, RunId, StepId
from steersman.domain.operation import Operation
from steersman.domain.plan import Condition, Plan
from steersman.domain.ports import Caller, Clock, Source
from steersman.domain.signal import Series
from steersman.journal.port import Journal


class Authority(Protocol):
    """The gate's answers that concern a whole plan or a call of the past."""

    async def authorise(self, plan: Plan, run_id: RunId, requester: Principal) -> Grant:
        """The authority for a plan's calls; raises ApprovalNeededError, ApprovalRefusedError or PolicyDeniedError."""
        ...

    async def settle(self, run_id: RunId, step_id: StepId, direction: Direction) -> CallSettled | None:
        """Finds out by read-back what became of an intent without outcome, and journals it."""
        ...


class Judge(Protocol):
    """Statistics over a condition's series; pure."""

    def __call__(self, condition: Condition, series: Series, baseline: Series | None, at: datetime) -> Verdict:
        """Three-valued: `fail` when the condition, which names what is bad, holds."""
        ...


Catalogue = Callable[[OperationName], Operation]
"""The registered operation of that name. Raises InputError when there is none."""


Sources = Callable[[RunId], Source]
"""Where conditions are measured, on the account of a run."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Times of the engine."""

    lease_ttl: timedelta = timedelta(seconds=15)
    """Another process may take the run over when its owner has been silent for so long."""
    beat_s: float = 0.5
    """How often the kill switch and commands from other processes are looked at."""
    drain_s: float = 30.0
    """On SIGTERM, what is under way has so long to finish."""
    inverse_rounds: int = 3
    """How often a failing inverse is tried, each time after a read-back."""
    inverse_backoff_s: float = 0.5
    probes_at_once: int = 8
    """Reads of the drift check that are under way at the same time."""


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything that acts, for the engine and, by LangGraph's `Runtime`, for the nodes of its graph."""

    caller: Caller
    authority: Authority
    journal: Journal
    source: Sources
    judge: Judge
    clock: Clock
    operation: Catalogue
    settings: Settings = field(default_factory=Settings)
