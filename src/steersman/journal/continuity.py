"""Before a chain is continued: it must be the one that the anchor knows."""

from __future__ import annotations

from steersman.domain.errors import IntegrityError
from steersman.journal.anchor import Anchor, Mark
from steersman.journal.chain import Head
from steersman.journal.keyring import Keyring
from steersman.journal.transaction import Query, Sql


def genuine(sql: Sql, *, head: Head, keyring: Keyring) -> Head:
    """The head, its entry verified: expiry is measured by its instant. Raises IntegrityError if altered."""
    Query(sql, keyring=keyring, clock_now=head.at).entries("seq = ?", head.seq)
    return head


def catch_up(sql: Sql, anchor: Anchor, *, head: Head, keyring: Keyring) -> None:
    """Moves the anchor to the end of the chain, where a process died between its commit and that.

    Raises IntegrityError unless the chain has the entry that the anchor names, and continues it.
    """
    mark = anchor.read()
    if mark is None:
        raise IntegrityError(f"the anchor {str(anchor.path)!r} of the journal is missing; restore both from a backup")
    if (mark.seq, mark.hash) == (head.seq, head.hash):
        return
    found = sql.rows("SELECT hash FROM entries WHERE seq = ?", (mark.seq,))
    if mark.seq > 0 and (not found or found[0][0] != mark.hash):
        raise IntegrityError(
            f"the journal's entry {mark.seq} is gone or altered; `steer audit verify` shows more, `steer restore` mends"
        )
    link = mark.hash
    for entry in Query(sql, keyring=keyring, clock_now=head.at).entries("seq > ? ORDER BY seq", mark.seq):
        if entry.previous != link:
            raise IntegrityError(f"entry {entry.seq} does not continue the chain; `steer audit verify` shows more")
        link = entry.hash
    anchor.advance(Mark(head.seq, head.hash))
