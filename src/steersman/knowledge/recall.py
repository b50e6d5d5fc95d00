"""Recall: the scenarios that may serve a goal, best first, each with its reasons. Works without any embedder."""

from __future__ import annotations

from collections.abc import Mapping

from steersman.domain.environment import Environment
from steersman.domain.ids import ScenarioId
from steersman.domain.scenario import Match, Scenario
from steersman.knowledge.concepts import thesaurus
from steersman.knowledge.fit import Ask, Fit, fit
from steersman.knowledge.fusion import Evidence, fuse
from steersman.knowledge.language import content_stems, runs, stem
from steersman.knowledge.lexical import MOST
from steersman.knowledge.shelf import DERIVED, Shelf, head_text, query_terms

_REASONS = 4
NEAR = 0.3
"""What scores below this share of the best is not worth naming."""


def recall(
    goal: str, environment: Environment | None, *, shelf: Shelf, dense: Mapping[ScenarioId, float] | None = None
) -> list[Match]:
    """The scenarios for a goal in an environment; an empty list when nothing fits.

    dense: cosines of the goal with scenarios, from an embedder, where there is one.
    """
    return recall_for(Ask(goal=goal, environment=environment), shelf=shelf, dense=dense)


def recall_for(ask: Ask, *, shelf: Shelf, dense: Mapping[ScenarioId, float] | None = None) -> list[Match]:
    """The same, with all that may be known: tools, signals, mode, limit."""
    lexical = shelf.words.scores(query_terms(ask.goal))
    known, everything = _ceilings(ask.goal, shelf)
    concepts = len(thesaurus().concepts(ask.goal))
    found: list[Match] = []
    enough = False
    for scenario_id in lexical.keys() | (dense or {}).keys():
        entry = shelf.entries.get(scenario_id)
        suits = fit(entry, ask) if entry else Fit(fits=False)
        if entry is None or not suits.fits:
            continue
        points = lexical.get(scenario_id, 0.0)
        evidence = Evidence(
            lexical=points / known if known else 0.0,
            covered=points / everything if everything else 0.0,
            concepts=concepts,
            dense=dense.get(scenario_id, 0.0) if dense is not None else None,
        )
        fused = fuse(evidence)
        enough = enough or fused.enough
        found.append(Match(scenario=entry.scenario, score=round(fused.score + suits.bonus, 4), why=suits.why))
    if not enough:
        return []
    found.sort(key=lambda match: (-match.score, match.scenario.id))
    bar = found[0].score * NEAR
    return [_explained(match, ask.goal) for match in found[: ask.limit] if match.score >= bar]


def _explained(match: Match, goal: str) -> Match:
    return match.model_copy(update={"why": (*match.why, *_shared(goal, match.scenario))[:_REASONS]})


def _ceilings(goal: str, shelf: Shelf) -> tuple[float, float]:
    """BM25 of a scenario that would say, often, all of the goal that any scenario knows; and all of the goal."""
    known = unknown = 0.0
    for term, weight in query_terms(goal).items():
        most = weight * shelf.words.rarity(term) * MOST
        if term in shelf.words.postings:
            known += most
        elif term[0] not in DERIVED:
            unknown += most
    return known, known + unknown


def _shared(goal: str, scenario: Scenario) -> list[str]:
    """Which words met, across languages too."""
    head = head_text(scenario)
    asked, offered = thesaurus().concepts(goal), thesaurus().concepts(head)
    pairs = [
        f"{asked[name]!r}" if asked[name] == offered[name] else f"{asked[name]!r} ~ {offered[name]!r}"
        for name in asked
        if name in offered
    ]
    known = set(content_stems(head))
    words = [repr(word) for word in runs(goal) if stem(word) in known and repr(word) not in pairs]
    return [", ".join(dict.fromkeys([*pairs, *words]))] if pairs or words else ["close in meaning"]
