"""A journal over an SQL database: the port's methods, each one operation in a transaction of the group writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from steersman.domain.approval import Approval, ApprovalRequest, Vote
from steersman.domain.event import CallIntended, CallSettled, Entry, Event
from steersman.domain.finding import Cost, Investigation
from steersman.domain.ids import ApprovalId, IncidentId, RunId
from steersman.journal import claims, entries, incidents, leases, retention
from steersman.journal.claims import Refusal
from steersman.journal.port import Claim, Incident, Level
from steersman.journal.transaction import Query
from steersman.journal.writer import GroupWriter

T = TypeVar("T")


class Reader(Protocol):
    """One reading connection."""

    async def read(self, work: Callable[[Query], T]) -> T:
        """Runs a read on what is committed."""
        ...

    async def close(self) -> None:
        """Gives the connection back."""
        ...


class SqlJournal:
    """Implements `journal.port.Journal` and `Incidents`."""

    def __init__(self, writer: GroupWriter, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def append(self, run_id: RunId, *events: Event) -> None:
        """Adds events in order, in one transaction."""
        await self._writer.do(partial(entries.append, run_id=run_id, events=events))

    async def intend(self, run_id: RunId, intent: CallIntended, claim: Claim | None) -> CallSettled | None:
        """Adds an intent and claims its approval in one transaction."""
        result = await self._writer.do(partial(entries.intend, run_id=run_id, intent=intent, claim=claim))
        if isinstance(result, Refusal):
            raise result.error
        return result

    async def read(self, run_id: RunId, *, after: int = 0) -> Sequence[Entry]:
        """A run's entries, read in pages between which others may run. Raises IntegrityError for an altered one."""
        found: list[Entry] = []
        while True:
            page = await self._reader.read(partial(entries.page, run_id=run_id, after=after))
            found += page
            if len(page) < entries.PAGE:
                return found
            after = page[-1].seq
            await asyncio.sleep(0)

    async def runs(self, *, unfinished: bool = False) -> Sequence[RunId]:
        """Runs, newest first."""
        return await self._reader.read(partial(entries.runs, unfinished=unfinished))

    async def ask(self, request: ApprovalRequest) -> Approval:
        """Stores a request, or gives back the live one of the same thing."""
        return await self._writer.do(partial(claims.ask, request=request))

    async def vote(self, vote: Vote) -> Approval:
        """Stores a signed vote and the state that follows."""
        result = await self._writer.do(partial(claims.vote, ballot=vote))
        if isinstance(result, Refusal):
            raise result.error
        return result

    async def approval(self, approval_id: ApprovalId) -> Approval:
        """One approval; that it has expired is written down as soon as it is seen."""
        known = await self._reader.read(partial(claims.load, approval_id=approval_id))
        if known.state == "expired":
            return await self._writer.do(partial(claims.expire, approval_id=approval_id))
        return known

    async def approvals(self, *, open_only: bool = True) -> Sequence[Approval]:
        """Approvals, newest first."""
        return await self._reader.read(partial(claims.listed, open_only=open_only))

    async def acquire(self, run_id: RunId, owner: str, ttl: timedelta) -> bool:
        """Takes or renews the lease of a run."""
        return await self._writer.do(partial(leases.acquire, run_id=run_id, owner=owner, ttl=ttl))

    async def release(self, run_id: RunId, owner: str) -> None:
        """Gives a lease back."""
        await self._writer.do(partial(leases.release, run_id=run_id, owner=owner))

    async def level(self) -> Level:
        """How much is stopped."""
        return await self._reader.read(leases.level)

    async def set_level(self, level: Level, *, by: str, reason: str = "") -> None:
        """Moves the switch."""
        await self._writer.do(partial(leases.set_level, target=level, by=by, reason=reason))

    async def charge(self, run_id: RunId, account: Literal["do", "undo"], cost: Cost) -> Cost:
        """Adds a cost and gives back the total of that account."""
        return await self._writer.do(partial(leases.charge, run_id=run_id, account=account, cost=cost))

    async def incident(self, fingerprint: str, started_at: datetime) -> Incident:
        """The incident of an alert's fingerprint and start, opened when there is none."""
        return await self._writer.do(partial(incidents.opened, fingerprint=fingerprint, started_at=started_at))

    async def add_investigation(self, investigation: Investigation) -> None:
        """Files an investigation under its incident."""
        await self._writer.do(partial(incidents.add_investigation, investigation=investigation))

    async def investigations(self, incident_id: IncidentId) -> Sequence[Investigation]:
        """The investigations of an incident, oldest first."""
        return await self._reader.read(partial(incidents.investigations, incident_id=incident_id))

    async def incidents(self, *, limit: int = 100) -> Sequence[Incident]:
        """Incidents, newest first."""
        return await self._reader.read(partial(incidents.listed, limit=limit))

    async def retire(self, *, before: datetime, archive: Path) -> int:
        """Moves runs that were finished before an instant into a new archive file; the number of runs."""
        return await self._writer.do(partial(retention.retire, before=before, archive=archive), long=True)

    async def close(self) -> None:
        """Commits what is waiting and closes."""
        await self._writer.close()
        await self._reader.close()
