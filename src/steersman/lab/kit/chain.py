"""Payments as a chain: each row carries the hash of the one before, so that no earlier row changes unseen."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

TABLE = """CREATE TABLE IF NOT EXISTS payments(seq INTEGER PRIMARY KEY, order_id TEXT UNIQUE, customer TEXT,
    amount INTEGER, points INTEGER, code TEXT, chain TEXT)"""
LAST = "SELECT seq, chain FROM payments ORDER BY seq DESC LIMIT 1"
INSERT = "INSERT INTO payments VALUES(?, ?, ?, ?, ?, ?, ?)"
KNOWN = "SELECT seq, amount FROM payments WHERE order_id = ?"


def link(before: str, *fields: object) -> str:
    """The hash of a row after the row with the hash `before`."""
    return hashlib.sha256("\x1f".join([before, *map(str, fields)]).encode()).hexdigest()


def append(
    connection: sqlite3.Connection, *, order_id: str, customer: str, amount: int, points: int, code: str
) -> dict[str, Any]:
    """Adds a row, or gives back the one that the order has already. Inside a write transaction only."""
    known = connection.execute(KNOWN, (order_id,)).fetchone()
    if known is not None:
        return {"seq": known[0], "amount": known[1]}
    last, before = connection.execute(LAST).fetchone() or (0, "")
    fields = (last + 1, order_id, customer, amount, points, code)
    connection.execute(INSERT, (*fields, link(before, *fields)))
    return {"seq": last + 1, "amount": amount}
