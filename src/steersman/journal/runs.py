"""Runs, folded from their entries and kept, so that a run is folded on from where it was last seen."""

from __future__ import annotations

from collections import OrderedDict

from steersman.domain.ids import RunId
from steersman.domain.run import Run, advance, fold
from steersman.journal.port import Entries

KEPT = 64
"""Runs in memory; the one that was asked for longest ago goes first."""


class Runs:
    """Gives the present state of runs."""

    def __init__(self, entries: Entries, *, kept: int = KEPT) -> None:
        self._entries = entries
        self._kept = kept
        self._known: OrderedDict[RunId, Run] = OrderedDict()

    async def load(self, run_id: RunId) -> Run:
        """The run as its journal stands now; reads only what is new.

        Raises IntegrityError for an unknown run and for one whose entries were altered.
        """
        known = self._known.get(run_id)
        fresh = await self._entries.read(run_id, after=known.last_seq if known else 0)
        # Another task may have folded further while we read; folding from our own copy is right all the same.
        run = fold(fresh) if known is None else known
        for entry in fresh if known is not None else ():
            run = advance(run, entry)
        self._known[run_id] = run
        self._known.move_to_end(run_id)
        while len(self._known) > self._kept:
            self._known.popitem(last=False)
        return run
