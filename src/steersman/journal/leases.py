"""Leases on runs, the kill switch, and the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from steersman.domain.event import SwitchMoved
from steersman.domain.finding import Cost
from steersman.domain.ids import RunId
from steersman.journal.chain import SWITCH, SYSTEM, entry, instant
from steersman.journal.port import Level
from steersman.journal.transaction import Query, Transaction


def acquire(tx: Transaction, run_id: RunId, *, owner: str, ttl: timedelta) -> bool:
    """Takes or renews a lease; False while another owner's is alive."""
    held = tx.one("SELECT owner, expires_at FROM leases WHERE run_id = ?", run_id)
    if held is not None and held[0] != owner and datetime.fromisoformat(held[1]) > tx.now:
        return False
    tx.run(
        "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (run_id) DO UPDATE "
        "SET owner = excluded.owner, expires_at = excluded.expires_at",
        run_id,
        owner,
        instant(tx.now + ttl),
    )
    return True


def release(tx: Transaction, run_id: RunId, *, owner: str) -> None:
    """Gives a lease back, if it is the owner's."""
    tx.run("DELETE FROM leases WHERE run_id = ? AND owner = ?", run_id, owner)


def level(query: Query) -> Level:
    """The level of the last entry that moved the switch; its MAC is checked, so no edited row can release a stop."""
    rows = query.raw("run_id = ? AND ref = ? ORDER BY seq DESC LIMIT 1", SYSTEM, SWITCH)
    if not rows:
        return "off"
    event = query.known.get(rows[0], lambda: entry(query.keyring, rows[0])).event
    return event.level if isinstance(event, SwitchMoved) else "off"


def set_level(tx: Transaction, target: Level, *, by: str, reason: str) -> None:
    """Moves the switch."""
    tx.append(SYSTEM, (SwitchMoved(level=target, by=by, reason=reason),))


def charge(tx: Transaction, run_id: RunId, *, account: Literal["do", "undo"], cost: Cost) -> Cost:
    """Adds a cost; the new total."""
    tx.run(
        "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, account) DO UPDATE SET "
        "calls = ledger.calls + excluded.calls, seconds = ledger.seconds + excluded.seconds, "
        "tokens = ledger.tokens + excluded.tokens, money_usd = ledger.money_usd + excluded.money_usd",
        run_id,
        account,
        cost.calls,
        cost.seconds,
        cost.tokens,
        cost.money_usd,
    )
    return spent(tx, run_id, account=account)


def spent(query: Query, run_id: RunId, *, account: Literal["do", "undo"]) -> Cost:
    """What an account has spent."""
    row = query.one(
        "SELECT calls, seconds, tokens, money_usd FROM ledger WHERE run_id = ? AND account = ?", run_id, account
    )
    return Cost(calls=row[0], seconds=row[1], tokens=row[2], money_usd=row[3]) if row else Cost()
