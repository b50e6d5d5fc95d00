"""What was found out, and what it rests on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from steersman.domain.environment import Environment
from steersman.domain.fact import Fact, Instant, JsonObject
from steersman.domain.ids import ConditionId, EvidenceId, IncidentId, StepId
from steersman.domain.signal import SignalName, Window

FaultKind = Literal[
    "error_bug",
    "wrong_result",
    "latency_regression",
    "n_plus_one",
    "memory_leak",
    "cpu_burn",
    "dependency_timeout",
    "pool_exhaustion",
    "bad_config",
    "crash_loop",
    "slow_disk",
    "retry_storm",
    "queue_backlog",
    "network_delay",
    "unknown",
]


class Breach(Fact):
    """A watched condition that was surely breached: known by code before an investigation asks anything."""

    service: str
    version: str = ""
    instance: str = ""
    signal: SignalName
    measured: float | None = None
    bound: float | None = None
    points: int = 0
    at: Instant


class Evidence(Fact):
    """A query that was asked, and its answer. The id is given by code."""

    id: EvidenceId
    source: str
    query: JsonObject
    window: Window
    value: str
    """A number or a short text of facts made by code; never raw telemetry."""
    excerpt: str = ""
    """Untrusted text, shown to people only, escaped and marked as such."""
    link: str = ""
    whole: str = ""
    """File that holds the whole answer, where only a part of it was looked at; empty: none was kept."""


class Finding(Fact):
    """A typed claim that cites evidence. Holds no free text that came from telemetry."""

    kind: FaultKind
    service: str
    instance: str = ""
    version: str = ""
    score: float = Field(ge=0, le=1)
    explanation: str
    """A sentence made by code from typed values."""
    evidence: tuple[EvidenceId, ...]
    speaks_for: tuple[str, ...] = ()
    """Sentences made by code from typed values."""
    speaks_against: tuple[str, ...] = ()
    """The same, for what does not fit."""


class RootCause(Finding):
    """A finding with its place in the ranking, 1 the likeliest."""

    rank: int = Field(ge=1)


class Verdict(Fact):
    """Three-valued: no data is inconclusive, and inconclusive never promotes."""

    result: Literal["pass", "fail", "inconclusive"]
    reason: str
    condition: ConditionId | None = None
    step: StepId | None = None
    at: Instant
    measured: float | None = None
    bound: float | None = None
    points: int = 0
    evidence: tuple[EvidenceId, ...] = ()


class Cost(Fact):
    """What an investigation or run took."""

    calls: int = 0
    seconds: float = 0.0
    tokens: int = 0
    money_usd: float = 0.0


class Asked(Fact):
    """What an investigation looked at, so that it can be asked again."""

    environment: Environment | None = None
    """Where, when it was a system that runs."""
    capture: str = ""
    """Folder of the recorded incident, when it was one."""
    baseline: Window | None = None
    service: str = ""
    """The service that was asked about."""
    services: tuple[str, ...] = ()
    alert_at: Instant | None = None
    onset_at: Instant | None = None


class TimeShare(Fact):
    """How much of the time of a service's requests another one, or itself, spends in its own code."""

    service: str
    own_ms: float
    """Per request, on average."""
    share: float
    """Of the own time of all services on the way; 0 to 1."""


class Investigation(Fact):
    """The answer to "what is wrong?": ranked causes, or that there is none, or that the data do not say."""

    incident_id: IncidentId
    question: str
    window: Window
    result: Literal["cause", "no_fault", "not_enough_data"]
    root_causes: tuple[RootCause, ...] = ()
    rejected: tuple[RootCause, ...] = ()
    """Further hypotheses, ranked on, that are too weak to be named: what speaks for them, and what against."""
    time_spent: tuple[TimeShare, ...] = ()
    """Where the time of requests to the service that was asked about goes, the largest share first."""
    evidence: dict[EvidenceId, Evidence] = {}
    holes: tuple[str, ...] = ()
    """Sources that did not answer: never read as "all is well"."""
    not_looked_at: tuple[str, ...] = ()
    """What nothing in the environment measures or keeps; nothing is down, and nothing is said about it."""
    asked: Asked | None = None
    cost: Cost = Cost()
