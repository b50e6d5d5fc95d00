"""How close in meaning scenarios are to a request: one scale for every embedder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from steersman.domain.ids import ScenarioId
from steersman.domain.ports import Embedder
from steersman.domain.scenario import Scenario
from steersman.index.embedders import Vectors

UNRELATED = (
    "The bakery opens at seven in the morning",
    "비가 와서 우산을 챙겼다",
    "She plays the violin every evening",
    "고양이가 창가에서 자고 있다",
    "Rotate the database password",
    "새 버전을 배포하고 트래픽을 전환",
    "The train to Busan leaves at noon",
    "점심으로 비빔밥을 먹었다",
    "Add more worker nodes to the cluster",
    "디스크 공간이 부족하다",
    "My grandmother grew tomatoes in the garden",
    "인증서가 곧 만료된다",
)
"""Their mean cosine is what an embedder gives to texts that have nothing in common; some give 0.8 to those."""


def passages(scenario: Scenario) -> tuple[str, ...]:
    """The texts by which a scenario is found: its id as words, and its goal in each language."""
    goals = dict.fromkeys([scenario.goal, *scenario.goals.values()])
    return (str(scenario.id).replace("-", " "), *goals)


def floor(embedder: Embedder) -> float:
    """Mean cosine of unrelated texts."""
    rows = np.asarray(embedder.embed(UNRELATED), np.float32)
    cosines = rows @ rows.T
    return float((cosines.sum() - np.trace(cosines)) / (len(UNRELATED) * (len(UNRELATED) - 1)))


@dataclass(frozen=True, slots=True)
class Meaning:
    """The vectors of scenarios in memory, for exact search over a few thousand of them."""

    embedder: Embedder
    floor: float
    rows: dict[ScenarioId, Vectors] = field(default_factory=dict)

    @classmethod
    def of(cls, embedder: Embedder, scenarios: Iterable[Scenario]) -> Meaning:
        """Embeds all of them, in batches."""
        meaning = cls(embedder, floor(embedder))
        held = list(scenarios)
        texts = [passages(scenario) for scenario in held]
        rows = np.asarray(embedder.embed([text for part in texts for text in part]), np.float32)
        at = 0
        for scenario, part in zip(held, texts, strict=True):
            meaning.rows[scenario.id] = rows[at : at + len(part)]
            at += len(part)
        return meaning

    def closeness(self, goal: str) -> dict[ScenarioId, float]:
        """0 for unrelated, 1 for the same text, by the nearest passage of each scenario."""
        asked = np.asarray(self.embedder.embed([goal]), np.float32)[0]
        return {key: self.scaled(float((rows @ asked).max())) for key, rows in self.rows.items()}

    def scaled(self, cosine: float) -> float:
        """A cosine of this embedder on the common scale."""
        return max((cosine - self.floor) / (1 - self.floor), 0.0)
