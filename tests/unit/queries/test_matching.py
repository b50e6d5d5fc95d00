import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import InputError
from steersman.queries.matching import Matcher, braces, duration, exactly, number, quoted, seconds, selector
from steersman.queries.promql import check_points, checked


@given(st.text(max_size=60), st.sampled_from(["=", "!="]))
def test_any_value_parses_back_to_itself(value: str, op: str) -> None:
    text = selector("up", [Matcher(label="a", op=op, value=value)])
    parsed = promql_parser.parse(text)
    assert [(m.name, m.value) for m in parsed.matchers.matchers] == [("a", value)]


@given(st.text(max_size=30), st.text(max_size=30))
def test_an_exact_expression_matches_its_text_and_no_other(value: str, other: str) -> None:
    assert re.fullmatch(exactly(value), value)
    assert (re.fullmatch(exactly(value), other) is not None) == (value == other)


@given(st.text(max_size=30))
def test_an_exact_expression_is_read_back_by_the_parser(value: str) -> None:
    text = selector("up", [Matcher(label="a", op="=~", value=exactly(value))])
    assert promql_parser.parse(text).matchers.matchers[0].value == exactly(value)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InputError, match="surrogate"):
        quoted("\ud800")


def test_no_control_or_bidi_character_is_sent_raw() -> None:
    assert quoted("a\x00\u202eb\n") == '"a\\u0000\\u202eb\\n"'


@pytest.mark.parametrize("name", ["up} or {a", "a-b", "", "0a", "up{"])
def test_a_metric_name_cannot_break_out(name: str) -> None:
    with pytest.raises(InputError):
        selector(name)


@pytest.mark.parametrize("label", ['a="b",c', "a-b", "", "a b"])
def test_a_label_name_cannot_break_out(label: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Matcher(label=label, value="x")


@pytest.mark.parametrize(
    ("matcher", "narrows"),
    [
        (Matcher(label="a", value="b"), True),
        (Matcher(label="a", value=""), False),
        (Matcher(label="a", op="=~", value=".*"), False),
        (Matcher(label="a", op="=~", value=".+"), True),
        (Matcher(label="a", op="!=", value="b"), False),
    ],
)
def test_a_matcher_narrows_when_it_leaves_out_what_has_no_label(matcher: Matcher, narrows: bool) -> None:
    assert matcher.narrows is narrows


@given(st.integers(min_value=1, max_value=10**9))
def test_a_duration_reads_back(ms: int) -> None:
    assert round(seconds(duration(ms / 1000)) * 1000) == ms


@pytest.mark.parametrize("text", ["", "5", "m", "5m ", "-5m", "5 m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        seconds(text)


def test_numbers_are_written_without_a_fraction_of_zero() -> None:
    assert [number(60.0), number(0.5), number(1795389581.8776503)] == ["60", "0.5", "1795389581.8776503"]


def test_braces_join_matchers() -> None:
    assert braces([Matcher(label="a", value="b"), Matcher(label="c", op="!~", value="d")]) == '{a="b",c!~"d"}'


@pytest.mark.parametrize(
    "query", ['{__name__=~".+"}', "rate(up[90d])", "max_over_time(rate(up[1m])[1d:1s])", "up" * 20_000, "sum("]
)
def test_a_query_that_asks_for_too_much_or_is_none_is_refused(query: str) -> None:
    with pytest.raises(InputError):
        checked(query)


def test_a_range_vector_is_known_in_parentheses_too() -> None:
    assert checked("(up[5m])").is_range_vector
    assert not checked("rate(up[5m])").is_range_vector


def test_eleven_thousand_points_are_the_most() -> None:
    assert check_points(10_999, 1) == 11_000
    with pytest.raises(InputError, match="step of at least"):
        check_points(11_000, 1)
