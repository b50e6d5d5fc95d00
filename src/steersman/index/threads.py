"""Conversations in one SQLite file: threads of people and teams, apart from each other, forgotten for good."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from steersman.domain.conversation import Heard, Namespace, Summary, Thread, ThreadId, Turn
from steersman.domain.errors import InputError, IntegrityError
from steersman.knowledge.lexical import Lexicon
from steersman.knowledge.shelf import query_terms
from steersman.knowledge.summary import sentences

FILE = "threads.db"
TITLE = 80
LOOKED_THROUGH = 5_000
"""Turns of a namespace, newest first, that recall reads."""
ENOUGH = 0.2
"""What says less than this share of the words that were asked for is not worth telling."""
_TABLES = """
CREATE TABLE IF NOT EXISTS thread (
  id TEXT PRIMARY KEY, namespace TEXT NOT NULL, title TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  summary TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS thread_of ON thread (namespace, updated_at);
CREATE TABLE IF NOT EXISTS turn (
  thread TEXT NOT NULL REFERENCES thread (id) ON DELETE CASCADE, number INTEGER NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (thread, number)) WITHOUT ROWID;
"""


class ThreadStore:
    """Threads of one home. Each write is durable when it returns; several processes are fine."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(_TABLES)
        except sqlite3.DatabaseError as e:
            raise IntegrityError(f"{str(path)!r} holds no conversations: {e}; move it away") from e
        path.chmod(0o600)

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def begin(self, namespace: Namespace, title: str, now: datetime) -> Thread:
        """A new, empty thread."""
        identity = ThreadId(f"th-{now:%m%d-%H%M%S}-{secrets.token_hex(3)}")
        stamp = now.isoformat()
        row = (identity, namespace, " ".join(title.split())[:TITLE], stamp, stamp, None)
        self._db.execute("INSERT INTO thread VALUES (?, ?, ?, ?, ?, ?)", row)
        return self.thread(namespace, identity)

    def thread(self, namespace: Namespace, identity: str) -> Thread:
        """One thread. Raises InputError when the namespace has none of that id."""
        row = self._db.execute(
            "SELECT id, namespace, title, created_at, updated_at, (SELECT count(*) FROM turn WHERE thread = id)"
            " FROM thread WHERE namespace = ? AND id = ?",
            (namespace, identity),
        ).fetchone()
        if row is None:
            raise InputError(f"there is no thread {identity!r} here; `steer threads list` shows them")
        return _thread(row)

    def threads(self, namespace: Namespace, *, limit: int = 20) -> list[Thread]:
        """The latest threads, newest first."""
        rows = self._db.execute(
            "SELECT id, namespace, title, created_at, updated_at, (SELECT count(*) FROM turn WHERE thread = id)"
            " FROM thread WHERE namespace = ? ORDER BY updated_at DESC, id LIMIT ?",
            (namespace, limit),
        )
        return [_thread(row) for row in rows]

    def append(self, namespace: Namespace, identity: ThreadId, turn: Turn) -> Turn:
        """Keeps a turn; what was open before an answer that closes it is open no longer."""
        self.thread(namespace, identity)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if turn.author == "steersman" and not turn.open:
                self._close(identity)
            (number,) = self._db.execute(
                "SELECT coalesce(max(number), 0) + 1 FROM turn WHERE thread = ?", (identity,)
            ).fetchone()
            kept = turn.model_copy(update={"number": number})
            self._db.execute("INSERT INTO turn VALUES (?, ?, ?)", (identity, number, kept.model_dump_json()))
            self._db.execute("UPDATE thread SET updated_at = ? WHERE id = ?", (turn.at.isoformat(), identity))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return kept

    def turns(self, namespace: Namespace, identity: ThreadId, *, after: int = 0) -> list[Turn]:
        """What was said in a thread, in order."""
        self.thread(namespace, identity)
        rows = self._db.execute(
            "SELECT document FROM turn WHERE thread = ? AND number > ? ORDER BY number", (identity, after)
        )
        return [Turn.model_validate_json(document) for (document,) in rows]

    def summary(self, namespace: Namespace, identity: ThreadId) -> Summary:
        """What is kept of it in few words; an empty one when nothing is yet."""
        self.thread(namespace, identity)
        (text,) = self._db.execute("SELECT summary FROM thread WHERE id = ?", (identity,)).fetchone()
        return Summary.model_validate_json(text) if text else Summary()

    def summarise(self, namespace: Namespace, identity: ThreadId, summary: Summary) -> None:
        """Keeps a summary."""
        self.thread(namespace, identity)
        self._db.execute("UPDATE thread SET summary = ? WHERE id = ?", (summary.model_dump_json(), identity))

    def recall(self, namespace: Namespace, text: str, *, limit: int = 3, but: tuple[str, int] = ("", 0)) -> list[Heard]:
        """What people said before about this, and what came of it, likest first.

        Nothing of other namespaces, and not the turn `but`. What was only asked, and an answer that led to nothing, are
        not worth telling again.
        """
        rows = self._db.execute(
            "SELECT thread, document FROM turn JOIN thread ON thread.id = turn.thread"
            " WHERE namespace = ? ORDER BY updated_at DESC, number DESC LIMIT ?",
            (namespace, LOOKED_THROUGH),
        )
        read = ((thread, Turn.model_validate_json(document)) for thread, document in rows)
        held = {(thread, turn.number): turn for thread, turn in read if _tells(turn)}
        held.pop(but, None)
        lexicon: Lexicon[tuple[str, int]] = Lexicon()
        for key, turn in held.items():
            lexicon.add(key, query_terms(turn.text))
        asked = query_terms(text)
        most = sum(weight * lexicon.rarity(term) for term, weight in asked.items()) or 1.0
        best = sorted(lexicon.scores(asked).items(), key=lambda item: (-item[1], item[0]))
        found = [(key, score / most) for key, score in best[:limit] if score / most >= ENOUGH]
        return [
            Heard(
                id=f"t{place}",
                thread=ThreadId(key[0]),
                turn=key[1],
                origin=held[key].origin,
                text=held[key].text,
                score=round(score, 3),
                at=held[key].at,
            )
            for place, (key, score) in enumerate(found, start=1)
        ]

    def forget(self, namespace: Namespace, *, thread: str = "", words: str = "") -> int:
        """Forgets a thread, or every turn that holds these words, or all; how many turns were forgotten.

        For good: content is overwritten in the file, and summaries that may tell of it are dropped.
        """
        mine = self._ids(namespace, thread)
        gone = 0
        for identity in mine:
            gone += self._forget(identity, words)
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def _ids(self, namespace: Namespace, thread: str) -> Sequence[ThreadId]:
        if thread:
            return [self.thread(namespace, thread).id]
        rows = self._db.execute("SELECT id FROM thread WHERE namespace = ?", (namespace,))
        return [ThreadId(identity) for (identity,) in rows]

    def _forget(self, identity: ThreadId, words: str) -> int:
        if not words:
            (count,) = self._db.execute("SELECT count(*) FROM turn WHERE thread = ?", (identity,)).fetchone()
            self._db.execute("DELETE FROM thread WHERE id = ?", (identity,))
            return int(count)
        wanted = words.casefold()
        rows = self._db.execute("SELECT number, document FROM turn WHERE thread = ?", (identity,)).fetchall()
        numbers = [number for number, document in rows if wanted in json.loads(document)["text"].casefold()]
        self._db.executemany("DELETE FROM turn WHERE thread = ? AND number = ?", [(identity, n) for n in numbers])
        (title,) = self._db.execute("SELECT title FROM thread WHERE id = ?", (identity,)).fetchone()
        if numbers or wanted in title.casefold():
            told = "(forgotten)" if wanted in title.casefold() else title
            self._db.execute("UPDATE thread SET summary = NULL, title = ? WHERE id = ?", (told, identity))
        return len(numbers)

    def _close(self, identity: ThreadId) -> None:
        rows = self._db.execute("SELECT number, document FROM turn WHERE thread = ?", (identity,)).fetchall()
        for number, document in rows:
            turn = Turn.model_validate_json(document)
            if turn.open and turn.author == "user":
                text = turn.model_copy(update={"open": False}).model_dump_json()
                self._db.execute(
                    "UPDATE turn SET document = ? WHERE thread = ? AND number = ?", (text, identity, number)
                )


def _tells(turn: Turn) -> bool:
    """Whether a turn says something: a person's that is no mere question, or code's that is about something."""
    if turn.author != "user":
        return bool(turn.refs)
    return not all(sentence.endswith(("?", "？")) for sentence in sentences(turn.text))


def _thread(row: tuple[str, str, str, str, str, int]) -> Thread:
    identity, namespace, title, created, updated, turns = row
    return Thread(
        id=ThreadId(identity),
        namespace=namespace,
        title=title,
        created_at=datetime.fromisoformat(created),
        updated_at=datetime.fromisoformat(updated),
        turns=turns,
    )
