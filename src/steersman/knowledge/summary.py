"""A conversation in few words, without a model: decisions, ids, numbers and open questions stay as they were said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from steersman.domain.conversation import Summary, Turn

Measure = Callable[[str], int]
"""Tokens of a text."""

DECISION = re.compile(
    r"\b(?:decid\w+|approv\w+|reject\w+|agreed?|chose[n]?|will (?:use|do|not|keep)|we(?:'ll| will)|let'?s|must|"
    r"never|always|do not|don'?t|prefer\w*|rolled back|confirmed)\b|"
    r"결정|승인|거절|반려|합의|하기로|않기로|확정|선택|반드시|절대|하지\s*(?:마|말)|항상|선호|롤백했",
    re.IGNORECASE,
)
ID = re.compile(
    r"(?<![\w.-])(?:(?:run|ap|inc|call|look|why|th|plan)-[A-Za-z0-9][\w-]{3,}|sha256:[0-9a-f]{8,64}|[A-Z][A-Z0-9]{1,9}-\d{1,7}|"
    r"#\d{1,7}|v\d+(?:\.\d+)*(?:-[\w.]+)?|\d+\.\d+\.\d+[\w.-]*|[0-9a-f]{7,40}(?=[\s,.)]|$)|"
    r"[a-z][a-z0-9]*(?:-[a-z0-9]+){1,6}|\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?|https?://[^\s<>\"]+)(?![\w])"
)
NUMBER = re.compile(r"\d")
_END = re.compile(r"(?<=[.!?。？！])\s+|\n+")
_GIST = 160


class _Line(NamedTuple):
    text: str
    turn: int
    open: bool
    decision: bool
    firm: bool
    """It holds an id or a number."""


def summarised(turns: Sequence[Turn], *, budget: int, measure: Measure) -> Summary:
    """The summary of turns, at most `budget` tokens as `measure` counts them.

    What goes first when there is no room: the gist, then sentences with ids and numbers (their ids stay), then the
    oldest decisions; an open question goes last. What a model said is never a decision or a fact.
    """
    lines = list(_lines(turns))
    room = _Room(budget, measure)
    questions = room.take("open", _newest(line for line in lines if line.open))
    decisions = room.take("decided", _newest(line for line in lines if line.decision and not line.open))
    told = {line.text for line in (*questions, *decisions)}
    firm = [line for line in _newest(line for line in lines if line.firm) if line.text not in told]
    reserved = room.fork(budget // 4)
    facts = room.take("known", firm, keep=reserved)
    missing = dict.fromkeys(found for line in firm if line not in facts for found in ID.findall(line.text))
    ids = room.words("ids", list(missing))
    told |= {line.text for line in facts}
    rest = [line for line in lines if line.text not in told]
    gist = room.take("said", [line for line in rest if len(line.text) <= _GIST])
    kept = {line.text for line in (*questions, *decisions, *facts, *gist)}
    return Summary(
        upto=max((turn.number for turn in turns), default=0),
        questions=_in_order(questions),
        decisions=_in_order(decisions),
        facts=_in_order(facts),
        ids=tuple(ids),
        gist=_in_order(gist),
        left_out=len({line.text for line in lines} - kept),
    )


def sentences(text: str) -> list[str]:
    """The sentences of a text, as they stand."""
    return [part.strip() for part in _END.split(text) if part.strip()]


def _lines(turns: Sequence[Turn]) -> Iterator[_Line]:
    for turn in turns:
        trusted = turn.origin != "model"
        for sentence in sentences(turn.text):
            asks = turn.open and (sentence.endswith(("?", "？")) or len(sentences(turn.text)) == 1)
            yield _Line(
                sentence,
                turn.number,
                asks,
                trusted and DECISION.search(sentence) is not None,
                trusted and (NUMBER.search(sentence) is not None or ID.search(sentence) is not None),
            )
        if turn.refs and trusted:
            yield _Line(" ".join(turn.refs), turn.number, open=False, decision=False, firm=True)


def _newest(lines: Iterator[_Line]) -> list[_Line]:
    """Newest first, each text once."""
    seen: dict[str, _Line] = {}
    for line in sorted(lines, key=lambda line: -line.turn):
        seen.setdefault(line.text, line)
    return list(seen.values())


def _in_order(lines: Sequence[_Line]) -> tuple[str, ...]:
    return tuple(line.text for line in sorted(lines, key=lambda line: line.turn))


class _Room:
    """What is left of the budget."""

    def __init__(self, budget: int, measure: Measure) -> None:
        self._left = budget
        self._measure = measure

    def fork(self, tokens: int) -> int:
        """So much stays free for ids, if there is so much."""
        return min(tokens, self._left)

    def take(self, name: str, lines: Sequence[_Line], *, keep: int = 0) -> list[_Line]:
        """As many of these as fit, whole; a long one does not keep a short one out."""
        found = []
        for line in lines:
            cost = self._measure(f"{name}: {line.text}\n") + 1
            if cost <= self._left - keep:
                self._left -= cost
                found.append(line)
        return found

    def words(self, name: str, words: Sequence[str]) -> list[str]:
        """As many words of one line as fit."""
        left = self._left - self._measure(f"{name}: \n") - 1
        found = []
        for word in words:
            cost = self._measure(f"{word} ") + 1
            if cost > left:
                break
            left -= cost
            found.append(word)
        if found:
            self._left = left
        return found
