"""Who acts, and on what."""

from __future__ import annotations

from typing import Literal

from steersman.domain.fact import Fact
from steersman.domain.ids import PrincipalId

Tier = Literal["prod", "staging", "lab"]


class Environment(Fact):
    """The identity of what is acted on. Acting on another one than was planned is refused."""

    kind: str
    """`lab`, `kubernetes`, `postgres` ..."""
    name: str
    uid: str
    """Cluster UID or the like: the same name with another uid is another environment."""
    url: str
    tier: Tier

    def __str__(self) -> str:
        return f"{self.kind}:{self.name} ({self.tier}, {self.uid})"


PrincipalKind = Literal["human", "agent", "service", "rule"]


class Principal(Fact):
    """Whoever asks or approves. Roles come from configuration, never from a model."""

    id: PrincipalId
    kind: PrincipalKind
    roles: frozenset[str] = frozenset()
