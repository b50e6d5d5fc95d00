"""Vectors in memory, searched in two passes: a short projection of all, then the full vectors of the best.

Sorting by 48 principal directions first costs an eighth of the full product; reading the best few hundred again
makes up for what the projection lost. A filtered search makes its first pass over the rows that carry the labels, so
it is as exact as a plain one, and quicker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from steersman.index.embedders import Vectors
from steersman.index.store import Hit

SHORT = 48
SAMPLE = 20_000
SMALL = 4_000
"""Up to here the full product is as quick."""
AGAIN = 24
FILTERS = 8
"""Sets of labels whose rows are kept at hand."""
"""The second pass reads this many times what was asked for."""


@dataclass(slots=True)
class Image:
    """The vectors of one namespace. Rows of removed entries are dead until the next packing."""

    dimension: int
    ids: list[str] = field(default_factory=list)
    rows: dict[str, list[int]] = field(default_factory=dict)
    labels: dict[str, set[int]] = field(default_factory=dict)
    full: Vectors = field(init=False)
    short: Vectors = field(init=False)
    alive: NDArray[np.bool_] = field(init=False)
    basis: Vectors | None = None
    parts: dict[frozenset[str], tuple[NDArray[np.intp], Vectors]] = field(default_factory=dict)
    """Rows that carry labels, and their short vectors: kept for the filters that were used last."""

    def __post_init__(self) -> None:
        self.full = np.zeros((0, self.dimension), np.float32)
        self.short = np.zeros((0, SHORT), np.float32)
        self.alive = np.zeros(0, np.bool_)

    def put(self, ids: Sequence[str], vectors: Sequence[Vectors], labels: Sequence[frozenset[str]]) -> None:
        """Adds entries, instead of those with the same ids."""
        self.remove(ids)
        start = len(self.ids)
        for identity, parts, words in zip(ids, vectors, labels, strict=True):
            at = range(len(self.ids), len(self.ids) + len(parts))
            self.rows[identity] = list(at)
            self.ids += [identity] * len(parts)
            for word in words:
                self.labels.setdefault(word, set()).update(at)
        if len(self.ids) == start:
            return
        block = np.concatenate([np.asarray(parts, np.float32) for parts in vectors])
        self.full = np.concatenate([self.full, block])
        self.alive = np.concatenate([self.alive, np.ones(len(block), np.bool_)])
        if self.basis is not None:
            self.short = np.concatenate([self.short, block @ self.basis])
        self.parts.clear()

    def remove(self, ids: Sequence[str]) -> None:
        """Forgets entries."""
        for identity in ids:
            for row in self.rows.pop(identity, ()):
                self.alive[row] = False
                for held in self.labels.values():
                    held.discard(row)
        self.parts.clear()

    def search(self, vector: Vectors, *, limit: int, labels: frozenset[str] = frozenset()) -> list[Hit]:
        """The nearest living entries with all of the labels."""
        if not self.rows:
            return []
        if len(self.ids) <= SMALL:
            return self._best(self._rows(labels), vector, limit)
        rows, short = self._part(labels)
        wanted = min(limit * AGAIN, len(rows))
        if not wanted:
            return []
        assert self.basis is not None
        rough = short @ (vector @ self.basis)
        near = np.argpartition(rough, -wanted)[-wanted:]
        return self._best(rows[near], vector, limit)

    def _best(self, rows: NDArray[np.intp], vector: Vectors, limit: int) -> list[Hit]:
        scores = self.full[rows] @ vector
        found: dict[str, float] = {}
        for place in np.argsort(-scores, kind="stable"):
            found.setdefault(self.ids[rows[place]], float(scores[place]))
            if len(found) == limit:
                break
        return [Hit(identity, score) for identity, score in found.items()]

    def _rows(self, labels: frozenset[str]) -> NDArray[np.intp]:
        if not labels:
            return np.flatnonzero(self.alive)
        held = set.intersection(*(self.labels.get(label, set()) for label in labels))
        return np.fromiter(sorted(held), np.intp, len(held))

    def _part(self, labels: frozenset[str]) -> tuple[NDArray[np.intp], Vectors]:
        held = self.parts.get(labels)
        if held is None:
            self._project()
            rows = self._rows(labels)
            short = self.short if len(rows) == len(self.short) else np.ascontiguousarray(self.short[rows])
            while len(self.parts) >= FILTERS:
                self.parts.pop(next(iter(self.parts)))
            held = self.parts[labels] = (rows, short)
        return held

    def _project(self) -> None:
        """Finds the principal directions of what is there, once; later entries use the same ones."""
        if self.basis is None:
            step = max(1, len(self.full) // SAMPLE)
            sample = self.full[::step]
            _, directions = np.linalg.eigh(sample.T @ sample)
            self.basis = np.ascontiguousarray(directions[:, -SHORT:], np.float32)
            self.short = np.ascontiguousarray(self.full @ self.basis)
