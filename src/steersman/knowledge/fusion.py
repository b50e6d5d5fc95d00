"""One score out of two kinds of evidence, and whether it is enough to say that anything fits.

The weights were chosen on `benchmarks/data/retrieval_hard.tsv` and `off_topic.txt`; `benchmarks/retrieval.py` prints
what each kind does alone. A weighted sum of the two shares did as well as sums of z-scores and, unlike those, does not
depend on how many scenarios there are; plain reciprocal-rank fusion was worse than its better half.
"""

from __future__ import annotations

from steersman.domain.fact import Fact

LEXICAL_WEIGHT = 0.5
DENSE_WEIGHT = 0.5
ENOUGH_WORDS = 0.13
"""Without an embedder: this much of the request's words is answered."""
ENOUGH_BOTH = 0.28
"""Share of the words plus closeness of meaning."""
CLEARLY_OURS = 2
"""A request that names so many things of operations is about operations, however it puts them."""


class Evidence(Fact):
    """How well one scenario answers one request."""

    lexical: float
    """BM25 as a share of the best possible for the words that any scenario knows, 0 to 1."""
    covered: float
    """The same for all words of the request: those that no scenario knows count against it."""
    concepts: int = 0
    """Things of operations that the request names and the thesaurus knows."""
    dense: float | None = None
    """Closeness of meaning, about 0 for unrelated texts; None when there is no embedder."""


class Fused(Fact):
    """The score, 0 to 1, and whether the scenario answers the request at all."""

    score: float
    enough: bool


def fuse(evidence: Evidence) -> Fused:
    """Weighted sum of both, gated by what a request about something else would also reach."""
    ours = evidence.concepts >= CLEARLY_OURS and evidence.lexical > 0
    if evidence.dense is None:
        return Fused(score=evidence.lexical, enough=ours or evidence.covered >= ENOUGH_WORDS)
    score = LEXICAL_WEIGHT * evidence.lexical + DENSE_WEIGHT * max(evidence.dense, 0.0)
    return Fused(score=score, enough=ours or evidence.covered + evidence.dense >= ENOUGH_BOTH)
