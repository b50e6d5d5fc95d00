from hypothesis import given
from hypothesis import strategies as st

from steersman.cli.render.report import cell
from steersman.cli.render.text import BIDI, percent, seconds, sparkline, untrusted
from steersman.cli.render.words import WORDS, language


@given(st.text())
def test_untrusted_text_cannot_steer_a_terminal(text: str) -> None:
    shown = untrusted(text)
    assert len(shown) <= 300
    assert not any(char in BIDI or ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)


@given(st.text(alphabet="|<>[]()`*_#!\\ab\n"))
def test_untrusted_text_cannot_break_out_of_a_markdown_cell(text: str) -> None:
    shown = cell(text)
    bare = [char for index, char in enumerate(shown) if char in "|<>[]`" and (index == 0 or shown[index - 1] != "\\")]
    assert not bare
    assert "\n" not in shown


def test_a_sparkline_has_one_bar_a_value_and_scales_to_the_top() -> None:
    assert sparkline([0.0, 0.5, 1.0]) == "▁▅█"
    assert sparkline([0.0, 0.05], top=1.0) == "▁▁"
    assert sparkline([]) == ""


def test_figures_carry_their_unit() -> None:
    assert (seconds(0.35), seconds(12.4), seconds(180), percent(0.05)) == ("0.35 s", "12 s", "3 min", "5 %")


def test_every_word_has_two_languages() -> None:
    assert all(len(pair) == 2 and all(pair) for pair in WORDS.values())


def test_the_language_follows_the_goal() -> None:
    assert language("payments v2를 배포") == "ko"
    assert language("deploy payments v2") == "en"
    assert language("deploy", "ko") == "ko"
