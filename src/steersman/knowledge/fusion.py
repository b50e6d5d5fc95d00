"""One score out of two kinds of evidence, and whether it is enough to say that anything fits."""

from __future__ import annotations

from steersman.domain.fact import Fact

LEXICAL_WEIGHT = 0.6
DENSE_WEIGHT = 0.4
ENOUGH_LEXICAL = 0.05
ENOUGH_FUSED = 0.30


class Evidence(Fact):
    """How well one scenario answers one request."""

    lexical: float
    """Share of the best possible BM25 score, 0 to 1."""
    dense: float | None = None
    """Cosine; None when there is no embedder."""


class Fused(Fact):
    """The score, 0 to 1, and whether the scenario answers the request at all."""

    score: float
    enough: bool


def fuse(evidence: Evidence) -> Fused:
    """Weighted sum of both shares. Plain reciprocal-rank fusion was measured to be worse than its better half."""
    if evidence.dense is None:
        return Fused(score=evidence.lexical, enough=evidence.lexical >= ENOUGH_LEXICAL)
    score = LEXICAL_WEIGHT * evidence.lexical + DENSE_WEIGHT * max(evidence.dense, 0.0)
    return Fused(score=score, enough=score >= ENOUGH_FUSED)
