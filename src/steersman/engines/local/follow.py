"""A run's journal as it grows, for whoever shows it live. Works across processes; the engine does not know of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from steersman.domain.event import FINAL, Entry, RunMoved
from steersman.domain.ids import RunId
from steersman.domain.ports import Clock
from steersman.journal.port import Entries

PARKED = FINAL | {"waiting", "paused", "needs_human"}


async def follow(
    entries: Entries, run_id: RunId, *, clock: Clock, after: int = 0, poll_s: float = 0.1
) -> AsyncIterator[Entry]:
    """Every entry behind `after`, then each new one; ends when the run can go no further by itself."""
    while True:
        news = await entries.read(run_id, after=after)
        parked = False
        for entry in news:
            after = entry.seq
            if isinstance(entry.event, RunMoved):
                parked = entry.event.state in PARKED
            yield entry
        if parked:
            return
        await clock.sleep(poll_s)
