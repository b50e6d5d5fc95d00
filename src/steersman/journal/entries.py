"""Appending, intending and reading entries."""

from __future__ import annotations

from steersman.domain.errors import ConcurrencyError
from steersman.domain.event import FINAL, CallIntended, CallSettled, Entry, Event
from steersman.domain.ids import RunId
from steersman.journal.chain import step_ref
from steersman.journal.claims import Refusal, claim_approval
from steersman.journal.port import Claim
from steersman.journal.transaction import Query, Transaction

PAGE = 256
"""Entries that are read at once, so that a long run does not hold up the event loop."""


def append(tx: Transaction, *, run_id: RunId, events: tuple[Event, ...]) -> None:
    """Adds events to a run."""
    tx.append(run_id, events)


def intend(
    tx: Transaction, *, run_id: RunId, intent: CallIntended, claim: Claim | None
) -> CallSettled | Refusal | None:
    """The earlier settlement `done`, or a refusal of the claim, or None: intent and claim are written."""
    earlier = _earlier(tx, run_id, intent)
    if earlier is not None:
        return earlier
    if claim is not None:
        refusal = claim_approval(tx, run_id, intent=intent, claim=claim)
        if refusal is not None:
            return refusal
    tx.append(run_id, (intent,))
    return None


def _earlier(tx: Query, run_id: RunId, intent: CallIntended) -> CallSettled | None:
    key = step_ref(intent.step_id, intent.direction)
    history = [entry.event for entry in tx.entries("run_id = ? AND ref = ? ORDER BY seq", run_id, key)]
    if not history:
        return None
    settled = {event.attempt: event for event in history if isinstance(event, CallSettled)}
    done = next((event for event in settled.values() if event.result == "done"), None)
    if done is not None:
        return done
    attempts = [event.attempt for event in history if isinstance(event, CallIntended)]
    unsettled = [n for n in attempts if n not in settled or settled[n].result == "unknown"]
    if unsettled:
        raise ConcurrencyError(
            f"attempt {unsettled[-1]} of step {intent.step_id!r} of run {run_id!r} is not settled; probe it"
        )
    if attempts and intent.attempt <= max(attempts):
        raise ConcurrencyError(
            f"attempt {intent.attempt} of step {intent.step_id!r} of run {run_id!r} is recorded; read the run anew"
        )
    return None


def page(query: Query, *, run_id: RunId, after: int) -> list[Entry]:
    """The next entries of a run."""
    return query.entries("run_id = ? AND seq > ? ORDER BY seq LIMIT ?", run_id, after, PAGE)


def runs(query: Query, *, unfinished: bool) -> list[RunId]:
    """Runs, newest first."""
    found = query.all("SELECT run_id, state FROM runs ORDER BY first_seq DESC")
    return [RunId(run_id) for run_id, state in found if not unfinished or state not in FINAL]
