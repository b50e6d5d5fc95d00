"""Silences that Steersman makes: found again by a name in their comment, never anybody else's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from steersman.domain.errors import InputError, ToolError
from steersman.domain.ports import Clock
from steersman.queries.matching import Matcher
from steersman.toolsets.alertmanager.client import AlertmanagerClient, NewBody
from steersman.toolsets.alertmanager.facts import (
    Created,
    Expired,
    LabelTest,
    NewSilence,
    Silence,
    SilenceName,
    SilenceSearch,
    SilenceState,
)

AUTHOR = "steersman"
LONGEST = timedelta(days=7)
ALL = 10_000
_MARK = re.compile(r"(?s)(?P<comment>.*) \[steersman:(?P<name>[A-Za-z0-9][A-Za-z0-9._:-]{0,127})\]")


@dataclass(frozen=True, slots=True)
class Silencer:
    """The server gives ids of its own, so a name in the comment is what makes a repeated call the same call."""

    client: AlertmanagerClient
    clock: Clock

    async def observe(self, ask: SilenceName) -> SilenceState:
        """The silence of that name, as long as it is pending or active."""
        found = await self._named(ask.name)
        return _state(found[0]) if found else SilenceState(exists=False)

    async def create(self, ask: NewSilence) -> Created:
        """Makes the silence, or finds that it is there. Raises ToolError when one of that name says something else."""
        ends_at = self._checked_end(ask.ends_at)
        found = await self._named(ask.name)
        if found:
            if _state(found[0]) != _wanted(ask):
                raise ToolError(f"a silence {ask.name!r} is there with other content; expire it first, or name another")
            return Created(id=found[0].id)
        matchers = [Matcher(label=name, op=test.op, value=test.value) for name, test in sorted(ask.matchers.items())]
        comment = f"{ask.comment} [steersman:{ask.name}]"
        return Created(id=await self.client.create(NewBody(matchers, self.clock.now(), ends_at, AUTHOR, comment)))

    async def expire(self, ask: SilenceName) -> Expired:
        """Ends every silence of that name; none is no error."""
        found = await self._named(ask.name)
        for silence in found:
            await self.client.expire(silence.id)
        return Expired(ids=tuple(silence.id for silence in found))

    async def _named(self, name: str) -> list[Silence]:
        every = await self.client.silences(SilenceSearch(limit=ALL))
        return [s for s in every.silences if s.state != "expired" and s.created_by == AUTHOR and _name(s) == name]

    def _checked_end(self, ends_at: str) -> str:
        try:
            end = datetime.strptime(ends_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError as e:
            raise InputError(f"ends_at: {ends_at!r} is no instant; write 2026-11-22T23:17:21Z") from e
        now = self.clock.now()
        if not now < end <= now + LONGEST:
            raise InputError(f"ends_at: {ends_at!r} must lie after now and at most {LONGEST.days} days ahead")
        return f"{ends_at[:-1]}.000Z"


def _name(silence: Silence) -> str:
    found = _MARK.fullmatch(silence.comment)
    return found["name"] if found else ""


def _state(silence: Silence) -> SilenceState:
    found = _MARK.fullmatch(silence.comment)
    return SilenceState(
        exists=True,
        matchers={matcher.label: LabelTest(op=matcher.op, value=matcher.value) for matcher in silence.matchers},
        ends_at=f"{silence.ends_at[:19]}Z",
        comment=found["comment"] if found else silence.comment,
    )


def _wanted(ask: NewSilence) -> SilenceState:
    matchers = {str(name): test for name, test in ask.matchers.items()}
    return SilenceState(exists=True, matchers=matchers, ends_at=ask.ends_at, comment=ask.comment)
