"""How sure one may be after looking again and again: evidence is a bet that grows only when the hypothesis is wrong.

An e-process starts at 1 and stays below 1/alpha for ever with probability 1 - alpha when the hypothesis is true
(Ville's inequality), however often one looks. Source: Ramdas et al., "Game-theoretic statistics and safe anytime-valid
inference", 2023. docs/judgement.md has the method and what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

FAIL_ALPHA = 0.005
"""How often a healthy thing whose signal lies on the bound is called bad, over all looks at one condition."""
PASS_ALPHA = 0.05
"""How often a bad thing whose signal lies on the bound is called good."""
PERSISTENCE = 0.7
"""Autocorrelation that is taken for granted in whatever moves from point to point: the data are too few to show it."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the points say: the figure, and the evidence for each side."""

    measured: float
    bound: float
    bad: float
    """Against "it is no worse than the bound"."""
    good: float
    """Against "it is at least as bad as the bound"."""
    large: bool = True
    """Whether the difference is as large as the condition asks for."""

    @property
    def fails(self) -> bool:
        """Worse, and surely so."""
        return self.large and self.bad >= 1 / FAIL_ALPHA

    @property
    def passes(self) -> bool:
        """Surely not that bad."""
        return not self.fails and self.good >= 1 / PASS_ALPHA
