"""Things that operations people name in many ways, in Korean and English, each under one name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from steersman.knowledge.concept_words import WORDS
from steersman.knowledge.language import fold, runs, stem

_LONGEST = 4
"""Words in the longest English name."""


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """Looks names up: English ones by stemmed words, Korean ones anywhere in the text without its spaces."""

    english: dict[tuple[str, ...], tuple[str, ...]]
    korean: dict[str, tuple[str, ...]]
    longest_korean: int

    def concepts(self, text: str) -> dict[str, str]:
        """Each concept that the text names, and the words that name it."""
        words = list(runs(text))
        return self._english(words) | self._korean(text)

    def _english(self, words: Sequence[str]) -> dict[str, str]:
        stems = [stem(word) for word in words]
        found: dict[str, str] = {}
        start = 0
        while start < len(stems):
            longest = 1
            for length in range(min(_LONGEST, len(stems) - start), 0, -1):
                names = self.english.get(tuple(stems[start : start + length]))
                longest = max(longest, length if names else 1)
                for name in names or ():
                    found.setdefault(name, " ".join(words[start : start + length]))
            start += longest
        return found

    def _korean(self, text: str) -> dict[str, str]:
        joined = "".join(fold(text).split())
        found: dict[str, str] = {}
        start = 0
        while start < len(joined):
            length = min(self.longest_korean, len(joined) - start)
            while length and joined[start : start + length] not in self.korean:
                length -= 1
            for name in self.korean.get(joined[start : start + length], ()):
                found.setdefault(name, joined[start : start + length])
            start += max(length, 1)
        return found


@cache
def thesaurus() -> Thesaurus:
    """The one that ships: `concept_words.WORDS`, read once."""
    english: dict[tuple[str, ...], set[str]] = defaultdict(set)
    korean: dict[str, set[str]] = defaultdict(set)
    for line in WORDS.strip().splitlines():
        name, _, names = line.partition(":")
        for surface in names.split(","):
            if any("가" <= letter <= "힣" for letter in surface):
                korean["".join(fold(surface).split())].add(name)
            else:
                english[tuple(stem(word) for word in runs(surface))].add(name)
    return Thesaurus(
        english={key: tuple(sorted(value)) for key, value in english.items()},
        korean={key: tuple(sorted(value)) for key, value in korean.items()},
        longest_korean=max(map(len, korean)),
    )
