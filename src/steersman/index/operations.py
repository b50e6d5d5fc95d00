"""Which operations may serve a wish: found by words, so that a prompt carries a handful and not thousands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.ports import Embedder
from steersman.index.operation_words import DOING, NOUNS, doing_of
from steersman.knowledge.language import content_stems, fold
from steersman.knowledge.lexical import Lexicon, bag
from steersman.knowledge.shelf import query_terms

NAME_WEIGHT = 2.0
SUMMARY_WEIGHT = 2.0
PATH_WEIGHT = 1.0
WORDS_WEIGHT = 0.3
"""Descriptions mention much that the operation is not about."""
DOING_WEIGHT = 1.5
NOUN_WEIGHT = 1.0
BASE = 0.4
"""What is left of the score of an operation whose name says nothing that was asked for."""
CLOSENESS = 0.35
"""Share of meaning where there is an embedder."""
CANDIDATES = 40
"""Only these are compared by meaning: embedding thousands would take seconds."""
_PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9가-힣]+")


class OperationText(NamedTuple):
    """What is known of an operation without making it."""

    name: OperationName
    summary: str
    words: str = ""
    method: str = ""
    path: str = ""


class FoundOperation(NamedTuple):
    """An operation that may serve; scores compare within one answer."""

    name: OperationName
    score: float
    summary: str


def text_of(operation: Operation) -> OperationText:
    """The text of an operation that was made."""
    takes = operation.input_schema.get("properties")
    words = " ".join(takes) if isinstance(takes, dict) else ""
    return OperationText(
        operation.name, operation.summary, words, {"read": "GET", "delete": "DELETE"}.get(operation.access, "")
    )


@dataclass(slots=True)
class OperationIndex:
    """An index over operations, made once."""

    texts: dict[OperationName, OperationText] = field(default_factory=dict)
    embedder: Embedder | None = None
    _names: dict[OperationName, tuple[str, ...]] = field(default_factory=dict)
    _lexicon: Lexicon[OperationName] = field(default_factory=Lexicon)

    @classmethod
    def of(cls, texts: Iterable[OperationText], embedder: Embedder | None = None) -> OperationIndex:
        """An index that holds these."""
        index = cls(embedder=embedder)
        for text in texts:
            index.texts[text.name] = text
            index._lexicon.add(text.name, _terms(text))
            index._names[text.name] = tuple(dict.fromkeys(_stems(text.name.partition(".")[2])))
        return index

    def search(self, wish: str, *, limit: int = 6) -> list[FoundOperation]:
        """The operations that fit best, best first; none when no word is known."""
        asked = _asked(wish)
        scores = {
            name: score * (BASE + (1 - BASE) * self._precision(name, asked))
            for name, score in self._lexicon.scores(asked).items()
        }
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[: max(CANDIDATES, limit)]
        if self.embedder is not None and best:
            best = self._by_meaning(wish, best, self.embedder)
        return [FoundOperation(name, round(score, 4), self.texts[name].summary) for name, score in best[:limit]]

    def _precision(self, name: OperationName, asked: Mapping[str, float]) -> float:
        """How much of what the operation's name says was asked for, rare words counting more.

        Without it the longest name that holds the words would win: `balance` is not `customer_balance_transactions`.
        """
        said = {stem: self._lexicon.rarity(stem) for stem in self._names[name]}
        wanted = {each for doing, stems in DOING.items() if f"#{doing}" in asked for each in stems}
        met = sum(weight for stem, weight in said.items() if stem in asked or stem in wanted)
        return met / sum(said.values()) if said else 0.0

    def _by_meaning(
        self, wish: str, best: Sequence[tuple[OperationName, float]], embedder: Embedder
    ) -> list[tuple[OperationName, float]]:
        rows = np.asarray(embedder.embed([wish, *(self.texts[name].summary for name, _ in best)]), np.float32)
        near = rows[1:] @ rows[0]
        top = best[0][1] or 1.0
        fused = [
            (name, (1 - CLOSENESS) * score / top + CLOSENESS * float(cosine))
            for (name, score), cosine in zip(best, near, strict=True)
        ]
        return sorted(fused, key=lambda item: (-item[1], item[0]))


def _terms(text: OperationText) -> dict[str, float]:
    toolset, _, verb = text.name.partition(".")
    found = bag(
        (_stems(verb), NAME_WEIGHT),
        (_stems(toolset), NAME_WEIGHT / 2),
        (content_stems(text.summary), SUMMARY_WEIGHT),
        (_stems(text.path), PATH_WEIGHT),
        (content_stems(text.words), WORDS_WEIGHT),
        ((f"={name}" for name in query_terms(text.summary) if name.startswith("=")), 0.5),
    )
    doing = doing_of(_stems(verb)[:2], text.method)
    return {**found, **{f"#{each}": DOING_WEIGHT for each in doing}}


def _asked(wish: str) -> dict[str, float]:
    found = dict(query_terms(wish))
    for stem in _stems(wish):
        found.setdefault(stem, 1.0)
    plain = fold(wish)
    for word, english in NOUNS.items():
        if word in plain:
            for stem in content_stems(english):
                found[stem] = found.get(stem, 0.0) + NOUN_WEIGHT
    for doing, words in DOING.items():
        if any(word in plain if not word.isascii() else word in _stems(wish) for word in words):
            found[f"#{doing}"] = DOING_WEIGHT
    return found


def _stems(text: str) -> list[str]:
    return content_stems(" ".join(part for part in _PARTS.split(text) if part))
