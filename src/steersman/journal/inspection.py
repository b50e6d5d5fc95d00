"""Inspects a journal's chain and the tables that follow from it, in whatever database it lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from steersman.domain.errors import IntegrityError, SteersmanError
from steersman.domain.event import ApprovalMoved, Event, RunMoved, RunPlanned
from steersman.domain.fact import Fact
from steersman.journal import claims
from steersman.journal.anchor import Anchor, Mark
from steersman.journal.chain import COLUMNS, EVENT, START, Row, intact, ref
from steersman.journal.keyring import Keyring
from steersman.journal.retention import Cut, cuts
from steersman.journal.transaction import Query, Sql


class AuditProblem(Fact):
    """One thing that is not as it was written."""

    code: str
    """`gap`, `altered`, `broken_link`, `order`, `columns`, `truncated`, `anchor`, `file`, `run`, `approval`,
    `cut`, `schema`.
    """
    seq: int = 0
    """The entry that it is about, or behind which something is missing; 0 for the journal as a whole."""
    reason: str


@dataclass(slots=True)
class Inspection:
    """One pass over the chain, and then over the tables that follow from it. For one use."""

    sql: Sql
    keyring: Keyring
    found: list[AuditProblem] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    seq: int = 0
    hash: str = ""
    at: str = ""

    def problems(self, anchor: Path) -> list[AuditProblem]:
        """Everything that is not as it was written, by the anchor that lies at this path."""
        mark = self._anchor(anchor)
        seen_mark = mark is None or mark.seq == 0
        for row in self._rows():
            seen_mark = seen_mark or (mark is not None and (row.seq, row.hash) == (mark.seq, mark.hash))
            self._entry(row)
        self._fill_gap(None)
        if mark is not None and self.seq < mark.seq:
            self._add("truncated", self.seq, f"the journal ends at {self.seq}; it has been at {mark.seq}")
        elif not seen_mark and mark is not None:
            self._add("anchor", mark.seq, f"entry {mark.seq} is not the one that the anchor names")
        self._runs()
        self._approvals()
        return self.found

    def _add(self, code: str, seq: int, reason: str) -> None:
        self.found.append(AuditProblem(code=code, seq=seq, reason=reason))

    def _anchor(self, path: Path) -> Mark | None:
        if not path.exists():
            self._add("anchor", 0, f"the anchor {str(path)!r} is missing")
            return None
        anchor = Anchor(path, self.keyring)
        try:
            mark = anchor.read()
        except IntegrityError as e:
            self._add("anchor", 0, str(e))
            return None
        finally:
            anchor.close()
        if mark is None:
            self._add("anchor", 0, "the anchor is empty")
        return mark

    def _rows(self) -> Iterator[Row]:
        after = START.seq
        query = f"SELECT {COLUMNS} FROM entries WHERE seq > ? ORDER BY seq LIMIT 1000"  # noqa: S608 - fixed texts
        while page := self.sql.rows(query, (after,)):
            yield from (Row(*row) for row in page)
            after = page[-1][0]

    def _entry(self, row: Row) -> None:
        if row.seq != self.seq + 1:
            self._fill_gap(row)
        former, self.seq, self.hash = self.hash, row.seq, row.hash
        if not intact(self.keyring, row):
            self._add("altered", row.seq, f"entry {row.seq} was altered, or written without the key")
            return
        if row.previous != former:
            self._add("broken_link", row.seq, f"entry {row.seq} does not continue the one before")
        if row.at < self.at:
            self._add("order", row.seq, f"entry {row.seq} is older than the one before")
        self.at = max(self.at, row.at)
        try:
            event = EVENT.validate_json(row.body)
        except ValidationError:
            self._add("altered", row.seq, f"entry {row.seq} cannot be read")
            return
        if (row.kind, row.ref) != (event.kind, ref(event)):
            self._add("columns", row.seq, f"the index columns of entry {row.seq} do not fit its body")
        self._note(row, event)

    def _note(self, row: Row, event: Event) -> None:
        match event:
            case RunPlanned():
                self.states[row.run_id] = "planned"
            case RunMoved() if row.run_id in self.states:
                self.states[row.run_id] = event.state
            case ApprovalMoved(what="asked"):
                self.asked[event.approval_id] = row.seq
            case _:
                return

    def _fill_gap(self, row: Row | None) -> None:
        """Steps over what retention has cut, by its signed records."""
        for cut in cuts(self.sql):
            if cut.first_seq != self.seq + 1 or (row is not None and cut.last_seq >= row.seq):
                continue
            if not cut.intact(self.keyring) or cut.before_hash != self.hash:
                self._add("cut", cut.first_seq, f"the record of the cut at {cut.first_seq} was altered")
            self._step_over(cut)
        if row is not None and row.seq != self.seq + 1:
            self._add("gap", self.seq, f"entries {self.seq + 1} to {row.seq - 1} are missing")

    def _step_over(self, cut: Cut) -> None:
        self.seq, self.hash, self.at = cut.last_seq, cut.last_hash, cut.last_at

    def _runs(self) -> None:
        stored = {str(run_id): str(state) for run_id, state in self.sql.rows("SELECT run_id, state FROM runs")}
        for run_id in sorted(self.states.keys() | stored.keys()):
            if self.states.get(run_id) != stored.get(run_id):
                told, said = self.states.get(run_id), stored.get(run_id)
                self._add("run", 0, f"run {run_id!r} is {told!r} by its entries, and {said!r} in the table")

    def _approvals(self) -> None:
        query = Query(self.sql, keyring=self.keyring, clock_now=START.at)
        stored = {str(row[0]): row[1] for row in self.sql.rows("SELECT approval_id, asked_seq FROM approvals")}
        for approval_id in sorted(self.asked.keys() - stored.keys()):
            self._add("approval", self.asked[approval_id], f"approval {approval_id!r} was removed")
        for approval_id, asked_seq in sorted(stored.items()):
            if self.asked.get(approval_id) != asked_seq:
                self._add("approval", asked_seq, f"approval {approval_id!r} was never asked for")
                continue
            try:
                claims.load(query, approval_id)
            except SteersmanError as e:
                self._add("approval", asked_seq, str(e))
        for (approval_id,) in self.sql.rows("SELECT DISTINCT approval_id FROM votes"):
            if approval_id not in stored:
                self._add("approval", 0, f"there are votes on approval {approval_id!r}, which does not exist")
