"""What was said, by whom, and what is kept of it."""

from __future__ import annotations

from typing import Annotated, Literal, NewType

from pydantic import Field, StringConstraints

from steersman.domain.fact import Fact, Instant

ThreadId = NewType("ThreadId", str)
Namespace = Annotated[str, StringConstraints(pattern=r"^(user|team)/[A-Za-z0-9][A-Za-z0-9:._@-]{0,100}$")]
"""Whose memory: `user/local:min`, `team/payments`. What is in one is never seen from another."""

Origin = Literal["person", "code", "model"]
"""Whose words: a person's; a sentence that code made from typed values; a model's. There is none for what a tool said:
tool output is never kept here.
"""

MOST_CHARACTERS = 20_000


class Turn(Fact):
    """One thing that was said in a thread."""

    number: int = Field(default=0, ge=0)
    """Given by the store, from 1 on."""
    author: Literal["user", "steersman"]
    origin: Origin
    text: str = Field(max_length=MOST_CHARACTERS)
    refs: tuple[str, ...] = ()
    """Ids of runs, plans, incidents, approvals and scenarios that it is about; given by code."""
    open: bool = False
    """It asks for something that nobody has answered yet."""
    at: Instant


class Thread(Fact):
    """A conversation."""

    id: ThreadId
    namespace: Namespace
    title: str
    created_at: Instant
    updated_at: Instant
    turns: int


class Heard(Fact):
    """Something that was said before, found again."""

    id: str
    """`t1`, `t2` ...: assigned by code."""
    thread: ThreadId
    turn: int
    origin: Origin
    text: str
    score: float
    at: Instant


class Summary(Fact):
    """A thread in few words. Lines are verbatim: what was said, cut nowhere."""

    upto: int = 0
    """Number of the last turn that it covers."""
    questions: tuple[str, ...] = ()
    """Open ones."""
    decisions: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    """Sentences with ids or numbers."""
    ids: tuple[str, ...] = ()
    """Ids whose sentences did not fit."""
    gist: tuple[str, ...] = ()
    """First sentences of the rest, as far as there was room."""
    left_out: int = 0
    """Sentences that are in none of these."""

    def text(self) -> str:
        """All of it, for a prompt or a person."""
        parts = (
            ("open", self.questions),
            ("decided", self.decisions),
            ("known", self.facts),
            ("ids", (" ".join(self.ids),) if self.ids else ()),
            ("said", self.gist),
        )
        return "\n".join(f"{name}: {line}" for name, lines in parts for line in lines)
