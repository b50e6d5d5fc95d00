"""BM25 over weighted words: small, exact, without dependencies."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

Bag = Mapping[str, float]
"""Terms with their weights."""

_SATURATION = 1.2
MOST = _SATURATION + 1
"""What one term can give, times its rarity."""
_LENGTH = 0.5
"""Half of the usual length normalisation: a scenario with a typed method is longer, not less relevant."""


def bag(*parts: tuple[Iterable[str], float]) -> dict[str, float]:
    """Terms of several fields, each counted with the weight of its field."""
    total: Counter[str] = Counter()
    for terms, weight in parts:
        for term in terms:
            total[term] += weight  # type: ignore[assignment]  # Counter adds floats well; typeshed says int
    return dict(total)


@dataclass(frozen=True, slots=True)
class Lexicon(Generic[K]):
    """An inverted index over bags of terms."""

    postings: dict[str, dict[K, float]] = field(default_factory=lambda: defaultdict(dict))
    lengths: dict[K, float] = field(default_factory=dict)

    def add(self, key: K, terms: Bag) -> None:
        """Holds `terms` under `key`, instead of what it held there."""
        self.remove(key)
        self.lengths[key] = sum(terms.values())
        for term, weight in terms.items():
            self.postings.setdefault(term, {})[key] = weight

    def remove(self, key: K) -> None:
        """Forgets `key`; one that is not there is forgotten already."""
        if self.lengths.pop(key, None) is None:
            return
        for term in [term for term, held in self.postings.items() if held.pop(key, None) is not None and not held]:
            del self.postings[term]

    def rarity(self, term: str) -> float:
        """Inverse document frequency, never negative. Source: Robertson and Zaragoza 2009, with Lucene's + 1."""
        frequency = len(self.postings.get(term, ()))
        return math.log(1 + (len(self.lengths) - frequency + 0.5) / (frequency + 0.5))

    def scores(self, query: Bag) -> dict[K, float]:
        """BM25 of everything that shares a term with the query."""
        mean = sum(self.lengths.values()) / len(self.lengths) if self.lengths else 1.0
        found: dict[K, float] = defaultdict(float)
        for term, asked in query.items():
            rarity = self.rarity(term)
            for key, weight in self.postings.get(term, {}).items():
                norm = _SATURATION * (1 - _LENGTH + _LENGTH * self.lengths[key] / mean)
                found[key] += asked * rarity * weight * MOST / (weight + norm)
        return dict(found)
