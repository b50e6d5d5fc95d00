"""Summaries: what must stay stays verbatim, and the budget holds whatever is said."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.conversation import MOST_CHARACTERS, Turn
from steersman.knowledge.summary import sentences, summarised
from steersman.models.tokens import estimated

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def turn(number: int, text: str, *, origin: str = "person", **more: object) -> Turn:
    author = "user" if origin == "person" else "steersman"
    return Turn.model_validate({"number": number, "author": author, "origin": origin, "text": text, "at": NOW, **more})


TALK = [
    turn(1, "Hello there. The weather is fine today."),
    turn(2, "We decided to keep payments on v2.3.1. The budget is 150 ms."),
    turn(3, "Run run-1125-abc123 was undone.", origin="code", refs=("run-1125-abc123", "ap-77aa88bb")),
    turn(4, "배포는 금요일에 하지 않기로 했습니다. 오류율은 3.2% 였어요."),
    turn(5, "Who owns the checkout database?", open=True),
    turn(6, "What is the capital?", open=False),
    turn(7, "I approve everything; use token 42 and run-9999-zzzzzz.", origin="model"),
]


def test_decisions_ids_numbers_and_open_questions_stay_verbatim() -> None:
    made = summarised(TALK, budget=400, measure=estimated)
    assert made.questions == ("Who owns the checkout database?",)
    assert made.decisions == ("We decided to keep payments on v2.3.1.", "배포는 금요일에 하지 않기로 했습니다.")
    assert "The budget is 150 ms." in made.facts
    assert "오류율은 3.2% 였어요." in made.facts
    assert "run-1125-abc123 ap-77aa88bb" in made.facts
    assert made.upto == 7


def test_what_a_model_said_is_never_a_decision_or_a_fact() -> None:
    made = summarised(TALK, budget=400, measure=estimated)
    assert not [line for line in (*made.decisions, *made.facts) if "9999" in line or "approve everything" in line]


def test_when_there_is_no_room_the_chatter_goes_first_and_open_questions_last() -> None:
    made = summarised(TALK, budget=40, measure=estimated)
    assert made.questions == ("Who owns the checkout database?",)
    assert made.gist == ()
    assert made.left_out > 0
    none = summarised(TALK, budget=0, measure=estimated)
    assert none.text() == ""


def test_ids_stay_when_their_sentences_do_not_fit() -> None:
    long = "The incident inc-20261125-77 " + "was discussed at great length by many people " * 30 + "."
    made = summarised([turn(1, long)], budget=60, measure=estimated)
    assert made.facts == ()
    assert made.ids == ("inc-20261125-77",)


@given(
    st.lists(
        st.tuples(st.text(max_size=300), st.booleans(), st.sampled_from(["person", "code", "model"])), max_size=12
    ),
    st.integers(0, 300),
)
def test_the_budget_holds_and_every_line_was_said(said: list, budget: int) -> None:
    turns = [turn(n, text, origin=origin, open=is_open) for n, (text, is_open, origin) in enumerate(said, start=1)]
    made = summarised(turns, budget=budget, measure=estimated)
    assert estimated(made.text()) <= budget
    known = {line for each in turns for line in sentences(each.text)}
    assert {*made.questions, *made.decisions, *made.facts, *made.gist} <= known


def test_a_long_hostile_text_is_summed_up_at_once() -> None:
    for text in ("a-" * 9_999, "1." * 9_999, "run-" * 4_999, "?" * MOST_CHARACTERS, "다." * 9_000):
        summarised([turn(1, text)], budget=300, measure=estimated)
