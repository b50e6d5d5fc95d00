"""Recalls scenarios, and past runs and incidents, in one step, and answers with citations whose ids code assigned.

Without a model the answer is a sentence of code. With one, the model words it from what was recalled (`writing.py`).

`answer` is the step; `recall_agent` is the same as a LangGraph graph, for use in another graph. "Nothing fits" is an
answer. What is quoted from past runs and incidents is untrusted text: it is carried as data, never as an instruction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

from steersman.agents.writing import Written, of_matches, written
from steersman.domain.fact import Fact
from steersman.domain.model import Model
from steersman.domain.scenario import Match
from steersman.index.base import KnowledgeBase
from steersman.knowledge.fit import Ask
from steersman.knowledge.language import language_of

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.runtime import Runtime

_NOTHING = {"en": "Nothing fits.", "ko": "맞는 것이 없습니다."}
_FOUND = {"en": "Best fit: {best} [{cite}].", "ko": "가장 알맞은 것: {best} [{cite}]."}
_BEFORE = {"en": "Seen before: {best} [{cite}].", "ko": "전에 있었던 일: {best} [{cite}]."}


@dataclass(frozen=True, slots=True)
class RecallDeps:
    """Where to look."""

    scenarios: KnowledgeBase
    memories: KnowledgeBase | None = None
    """Past runs and incidents (`index/memories.py`)."""
    writer: Model | None = None
    """Words the answer; each of its sentences cites what was recalled."""


class Citation(Fact):
    """Something that the answer rests on."""

    id: str
    """`s1`, `m1` ...: assigned here, in the order of the answer; no model can invent one."""
    kind: Literal["scenario", "memory"]
    ref: str
    """Id of the scenario, run or incident."""
    title: str
    score: float
    why: tuple[str, ...]


class Recalled(Fact):
    """The answer with its citations; both lists empty when nothing fits."""

    text: str
    citations: tuple[Citation, ...] = ()
    matches: tuple[Match, ...] = ()
    """For the planner."""
    before: tuple[Match, ...] = ()
    """Past runs and incidents."""
    written: Written | None = None
    """A model's words, where there is one: checked, and still a model's."""


def answer(ask: Ask, deps: RecallDeps) -> Recalled:
    """What is known about the request. Without a model, and the same answer each time."""
    lang = language_of(ask.goal)
    matches = deps.scenarios.search(ask)
    memories = deps.memories.search(ask.model_copy(update={"mode": "review"})) if deps.memories else []
    found = _cited("scenario", matches, lang)
    before = _cited("memory", memories, lang)
    lines = [
        form[lang].format(best=held[0].title, cite=held[0].id)
        for form, held in ((_FOUND, found), (_BEFORE, before))
        if held
    ]
    return Recalled(
        text=" ".join(lines) or _NOTHING[lang],
        citations=(*found, *before),
        matches=tuple(matches),
        before=tuple(memories),
    )


def _cited(kind: Literal["scenario", "memory"], matches: Sequence[Match], lang: Literal["ko", "en"]) -> list[Citation]:
    return [
        Citation(
            id=f"{kind[0]}{place}",
            kind=kind,
            ref=match.scenario.id,
            title=match.scenario.goals.get(lang, match.scenario.goal),
            score=match.score,
            why=match.why,
        )
        for place, match in enumerate(matches, start=1)
    ]


class RecallState(TypedDict, total=False):
    """What the graph carries: `ask` goes in, `recalled` comes out."""

    ask: Ask
    recalled: Recalled


async def _recall(state: RecallState, runtime: Runtime[RecallDeps]) -> RecallState:
    # The embedded store belongs to the thread that opened it; a search takes milliseconds.
    await asyncio.sleep(0)
    return {"recalled": answer(state["ask"], runtime.context)}


async def _word(state: RecallState, runtime: Runtime[RecallDeps]) -> RecallState:
    recalled, model = state["recalled"], runtime.context.writer
    if model is None:
        return {}
    goal = state["ask"].goal
    facts = [*of_matches(recalled.matches), *of_matches(recalled.before, "m")]
    said = await written(goal, facts, model, lang=language_of(goal))
    return {"recalled": recalled.model_copy(update={"written": said})}


def recall_agent() -> CompiledStateGraph[RecallState, RecallDeps, RecallState, RecallState]:
    """Recall, then word it where there is a model. Dependencies come in as the run's context."""
    from langgraph.graph import END, START, StateGraph

    builder = StateGraph(RecallState, context_schema=RecallDeps)
    builder.add_node("recall", _recall)
    builder.add_node("word", _word)
    builder.add_edge(START, "recall")
    builder.add_edge("recall", "word")
    builder.add_edge("word", END)
    return builder.compile(name="recall")
