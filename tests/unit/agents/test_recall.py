"""Recall answers in the language of the question, with citations that code assigned, or says that nothing fits."""

from pathlib import Path

import pytest

from steersman.agents.recall import RecallDeps, answer, recall_agent
from steersman.index.memories import open_memories, remember_incident
from steersman.index.opening import open_base
from steersman.knowledge.fit import Ask


@pytest.fixture
def deps(tmp_path: Path) -> RecallDeps:
    return RecallDeps(open_base(tmp_path, embedder=None), open_memories(tmp_path, embedder=None))


def test_each_citation_has_an_id_by_its_place(deps: RecallDeps) -> None:
    found = answer(Ask(goal="blue-green deploy"), deps)
    assert [c.id for c in found.citations] == [f"s{n}" for n in range(1, len(found.citations) + 1)]
    assert "[s1]" in found.text
    assert found.citations[0].ref == found.matches[0].scenario.id
    assert found.citations[0].why


def test_a_korean_question_gets_a_korean_answer(deps: RecallDeps) -> None:
    assert answer(Ask(goal="노드 드레인"), deps).text.startswith("가장 알맞은 것")


def test_nothing_fits_is_an_answer(deps: RecallDeps) -> None:
    found = answer(Ask(goal="오늘 서울 날씨 어때"), deps)
    assert (found.text, found.citations) == ("맞는 것이 없습니다.", ())


def test_a_past_incident_is_found_and_cited_apart_from_scenarios(deps: RecallDeps) -> None:
    assert deps.memories is not None
    remember_incident(deps.memories, "7", "checkout connection pool exhausted after release", ())
    found = answer(Ask(goal="connection pool exhausted again in checkout"), deps)
    (memory,) = [c for c in found.citations if c.kind == "memory"]
    assert (memory.id, memory.ref) == ("m1", "7")


def test_memories_are_no_scenarios(deps: RecallDeps) -> None:
    assert deps.memories is not None
    remember_incident(deps.memories, "7", "zebra crossing broken", ())
    found = answer(Ask(goal="zebra crossing broken"), deps)
    assert "7" not in [match.scenario.id for match in found.matches]
    assert "7" in [citation.ref for citation in found.citations]
    assert deps.memories.stats()["shipped"] == 0


async def test_the_graph_gives_the_same_answer(deps: RecallDeps) -> None:
    ask = Ask(goal="rotate vault secrets")
    state = await recall_agent().ainvoke({"ask": ask}, context=deps)
    assert state["recalled"] == answer(ask, deps)
