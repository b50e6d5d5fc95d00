"""The contract of a journal; SQLite and Postgres implement it, and one conformance suite holds them to it.

Every method that writes returns only when what it wrote is durable (`fsync`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from steersman.domain.approval import Approval, ApprovalRequest, Vote
from steersman.domain.event import CallIntended, CallSettled, Entry, Event
from steersman.domain.fact import Digest, Fact, Instant
from steersman.domain.finding import Cost, Investigation
from steersman.domain.ids import ApprovalId, IncidentId, RunId

Level = Literal["off", "stop", "hard"]
"""off: work goes on; stop: nothing new, undo goes on; hard: undo stops as well."""


class Claim(Fact):
    """The use of an approval, made in the same transaction as the intent that it allows."""

    approval_id: ApprovalId
    subject: Digest
    claimed_by: str
    """`run_id` for a plan's approval (its later steps present the same claim), `run_id/step_id` for a step's."""


class Entries(Protocol):
    """Append-only and hash-chained."""

    async def append(self, run_id: RunId, *events: Event) -> None:
        """Adds events in order, in one transaction. Concurrent appends may share one fsync."""
        ...

    async def intend(self, run_id: RunId, intent: CallIntended, claim: Claim | None) -> CallSettled | None:
        """Adds an intent and claims its approval in one transaction.

        Gives back the settlement `done` of an earlier attempt instead, when there is one: it has happened already.
        Raises ApprovalRefusedError when the claim is not to be had (unknown, not approved, expired, other subject,
        claimed by another), and ConcurrencyError when this attempt, or an unsettled former one, is recorded already.
        """
        ...

    async def read(self, run_id: RunId, *, after: int = 0) -> Sequence[Entry]:
        """A run's entries in order, beginning behind the sequence number `after`."""
        ...

    async def runs(self, *, unfinished: bool = False) -> Sequence[RunId]:
        """Runs, newest first; `unfinished`: those whose last state is not final."""
        ...


class Approvals(Protocol):
    """Records of approvals, outside of any graph state."""

    async def ask(self, request: ApprovalRequest) -> Approval:
        """Stores a request, with its entry in the journal.

        The same subject and run asked again gives the open one back.
        """
        ...

    async def vote(self, vote: Vote) -> Approval:
        """Stores a signed vote and the state that follows.

        Raises ApprovalRefusedError for a bad signature, an unknown or closed request.
        """
        ...

    async def approval(self, approval_id: ApprovalId) -> Approval:
        """One approval. Raises ApprovalRefusedError when there is none of that id."""
        ...

    async def approvals(self, *, open_only: bool = True) -> Sequence[Approval]:
        """Approvals, newest first."""
        ...


class Leases(Protocol):
    """So that no run is executed twice at once."""

    async def acquire(self, run_id: RunId, owner: str, ttl: timedelta) -> bool:
        """Takes or renews the lease of a run; False while another owner's lease is alive."""
        ...

    async def release(self, run_id: RunId, owner: str) -> None:
        """Gives it back; nothing happens when it is not the owner's."""
        ...


class Switch(Protocol):
    """The kill switch: a durable row that every process watches."""

    async def level(self) -> Level:
        """How much is stopped."""
        ...

    async def set_level(self, level: Level, *, by: str, reason: str = "") -> None:
        """Moves the switch, with its entry in the journal."""
        ...


class Ledger(Protocol):
    """What each run has spent."""

    async def charge(self, run_id: RunId, account: Literal["do", "undo"], cost: Cost) -> Cost:
        """Adds a cost and gives back the total of that account."""
        ...


class Incident(Fact):
    """One alert: its fingerprint and when it began."""

    id: IncidentId
    fingerprint: str
    started_at: Instant
    opened_at: Instant


class Incidents(Protocol):
    """What was investigated, by alert."""

    async def incident(self, fingerprint: str, started_at: datetime) -> Incident:
        """The incident of an alert's fingerprint and start, opened when there is none."""
        ...

    async def add_investigation(self, investigation: Investigation) -> None:
        """Files an investigation under its incident. Raises InputError for an unknown one."""
        ...

    async def investigations(self, incident_id: IncidentId) -> Sequence[Investigation]:
        """The investigations of an incident, oldest first."""
        ...

    async def incidents(self, *, limit: int = 100) -> Sequence[Incident]:
        """Incidents, newest first."""
        ...


class Journal(Entries, Approvals, Leases, Switch, Ledger, Protocol):
    """All of it: one store, one transaction where it matters."""

    async def close(self) -> None:
        """Writes out what is pending and closes."""
        ...
