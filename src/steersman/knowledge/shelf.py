"""Scenarios made ready for ranking: their words and concepts, indexed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from steersman.domain.ids import ScenarioId
from steersman.domain.scenario import Scenario
from steersman.knowledge.concepts import thesaurus
from steersman.knowledge.language import content_stems, syllable_pairs
from steersman.knowledge.lexical import Bag, Lexicon
from steersman.knowledge.outcomes import Outcomes

GOAL_WEIGHT = 2.0
BODY_WEIGHT = 0.5
"""Steps and conditions mention much that the scenario is not about."""
CONCEPT_WEIGHT = 2.5
PAIR_WEIGHT = 0.2
DERIVED = ("=", "~")
"""First letters of terms that were made from words: concepts, and pairs of syllables."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One scenario on the shelf."""

    scenario: Scenario
    builtin: bool = False
    """It came with the package."""
    outcomes: Outcomes = field(default_factory=Outcomes)


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that may be recalled, with its lexical index."""

    entries: dict[ScenarioId, Entry] = field(default_factory=dict)
    words: Lexicon[ScenarioId] = field(default_factory=Lexicon)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Shelf:
        """A shelf that holds these."""
        shelf = cls()
        for entry in entries:
            shelf.put(entry)
        return shelf

    def put(self, entry: Entry) -> None:
        """Holds the entry, instead of one with the same id."""
        self.entries[entry.scenario.id] = entry
        self.words.add(entry.scenario.id, terms(entry.scenario))

    def take(self, scenario_id: ScenarioId) -> None:
        """Forgets the scenario, if it is there."""
        self.entries.pop(scenario_id, None)
        self.words.remove(scenario_id)


def terms(scenario: Scenario) -> Bag:
    """The weighted terms of a scenario. `when_not` stays out: it names what the scenario is wrong for."""
    head = head_text(scenario)
    body = "\n".join(
        [
            *scenario.tools,
            *scenario.steps,
            *(condition if isinstance(condition, str) else condition.text for condition in scenario.conditions),
            scenario.rollback,
        ]
    )
    total: Counter[str] = Counter()
    for text, weight in ((head, GOAL_WEIGHT), (body, BODY_WEIGHT)):
        for term, value in _terms(text).items():
            total[term] += weight * value  # type: ignore[assignment]  # Counter adds floats well
    return dict(total)


def query_terms(text: str) -> Bag:
    """The weighted terms of a request."""
    return _terms(text)


def head_text(scenario: Scenario) -> str:
    """What the scenario is about: its id as words, its goal in each language that it has."""
    goals = dict.fromkeys([scenario.goal, *scenario.goals.values()])
    return "\n".join([str(scenario.id).replace("-", " "), *goals])


def _terms(text: str) -> Bag:
    """Words, concepts, and pairs of Hangul syllables."""
    total: dict[str, float] = dict(Counter(content_stems(text)))
    total.update({f"={name}": CONCEPT_WEIGHT for name in thesaurus().concepts(text)})
    total.update({f"~{pair}": PAIR_WEIGHT for pair in syllable_pairs(text)})
    return total
