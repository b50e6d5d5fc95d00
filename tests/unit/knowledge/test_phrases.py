"""Phrases of runbooks become typed only where that is certain; nothing is read wrongly."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.plan import Comparison
from steersman.knowledge.phrases.candidates import CANDIDATES
from steersman.knowledge.phrases.condition import read_condition
from steersman.knowledge.phrases.reading import read_phrase
from steersman.knowledge.phrases.step import read_step

PHRASES = Path(__file__).parents[2] / "data" / "phrases.tsv"
CASES = [line.split("\t") for line in PHRASES.read_text("utf-8").splitlines() if line and not line.startswith("#")]


def test_the_set_holds_150_phrases_and_30_that_must_stay_text() -> None:
    kinds = [expected[0] for _, expected in CASES]
    assert len([kind for kind in kinds if kind != "T"]) >= 150
    assert kinds.count("T") >= 30


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_a_phrase_reads_as_its_author_meant(text: str, expected: str) -> None:
    assert read_phrase(text) == expected


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_exception_and_says_why_it_stays_text(text: str) -> None:
    condition, step = read_condition(text), read_step(text)
    assert condition.conditions or condition.why_text
    assert step.action or step.why_text


@given(
    st.integers(1, 99),
    st.sampled_from(["에러율 {}% 초과 시 롤백", "error rate > {}% -> rollback", "오류율이 {}%를 넘으면 롤백"]),
)
def test_the_bound_is_the_number_that_was_written(percent: int, form: str) -> None:
    (condition,) = read_condition(form.format(percent)).conditions
    assert not isinstance(condition.test, Comparison)
    assert condition.test.value == pytest.approx(percent / 100)


@given(st.text(min_size=1, max_size=12, alphabet="abcdefghijklmnopqrstuvwxyz가나다라마바사"))
def test_an_unknown_word_never_changes_what_a_condition_means(word: str) -> None:
    plain = read_condition("error rate > 5% -> rollback").conditions
    read = read_condition(f"error rate > 5% {word} -> rollback").conditions
    assert not read or [c.test for c in read] == [c.test for c in plain]


def test_every_action_has_its_candidates_by_code() -> None:
    assert read_step("Get approval").candidates == ()
    assert read_step("노드 드레인").candidates == CANDIDATES["drain"]
