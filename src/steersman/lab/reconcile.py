"""Do payments and acknowledged orders agree? Pure but for reading the two files."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from steersman.domain.fact import Fact
from steersman.lab.kit.chain import link

ROWS = "SELECT seq, order_id, customer, amount, points, code, chain FROM payments ORDER BY seq"


class Row(Fact):
    """One payment."""

    seq: int
    order_id: str
    customer: str
    amount: int
    points: int
    code: str
    chain: str

    def link_after(self, before: str) -> str:
        """The hash that the row must carry after a row with the hash `before`."""
        return link(before, self.seq, self.order_id, self.customer, self.amount, self.points, self.code)


class Anchor(Fact):
    """The chain's head as it was seen once; it must still stand there."""

    seq: int
    chain: str


class Reconciliation(Fact):
    """How they agree."""

    reconciled: bool
    lost: int
    """Acknowledged orders without a payment."""
    altered: int
    """Payments of another amount than was acknowledged, and rows that are not as they were written."""
    duplicated: int
    """Payments beyond the first of one order."""
    orders: int
    """Acknowledged orders."""


def reconcile(orders: Iterable[tuple[str, int]], rows: Sequence[Row], anchor: Anchor | None) -> Reconciliation:
    """Compares all. Rows must be in the order of `seq`."""
    acknowledged = dict(orders)
    paid = {row.order_id: row.amount for row in rows}
    lost = sum(order not in paid for order in acknowledged)
    mispaid = sum(order in paid and paid[order] != amount for order, amount in acknowledged.items())
    broken = _broken(rows)
    if anchor is not None and not any(row.seq == anchor.seq and row.chain == anchor.chain for row in rows):
        broken += 1
    duplicated = sum(count - 1 for count in Counter(row.order_id for row in rows).values())
    altered = mispaid + broken
    return Reconciliation(
        reconciled=not (lost or altered or duplicated),
        lost=lost,
        altered=altered,
        duplicated=duplicated,
        orders=len(acknowledged),
    )


def _broken(rows: Sequence[Row]) -> int:
    count, before, expected = 0, "", 1
    for row in rows:
        count += row.seq != expected or row.chain != row.link_after(before)
        before, expected = row.chain, row.seq + 1
    return count


def read_orders(ledger: Path) -> list[tuple[str, int]]:
    """What customers had acknowledged; a last line that is still being written is left out."""
    whole, _, _ = ledger.read_text(encoding="utf-8").rpartition("\n")
    split = (line.split("\t") for line in whole.splitlines())
    return [(order, int(amount)) for order, amount in split]


def read_rows(database: Path) -> list[Row]:
    """All payments."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute(ROWS).fetchall()
    names = tuple(Row.model_fields)
    return [Row.model_construct(**dict(zip(names, row, strict=True))) for row in rows]
