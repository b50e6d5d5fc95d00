"""LogQL has no parser on PyPI: what is written is read back with a lexer of its literals that stands here."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.queries.logql import CountQuery, LabelFilter, LineFilter, LineFormat, LogQuery, NumberQuery, Parser
from steersman.queries.matching import Matcher

APP = Matcher(label="app", value="a")
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|[^"`]+')


def go_string(token: str) -> str:
    """The value of a Go string literal, of the escapes that are written."""
    if token.startswith("`"):
        return token[1:-1].replace("\r", "")
    long = re.sub(r"\\U([0-9a-f]{8})", lambda m: json.dumps(chr(int(m[1], 16)))[1:-1], token)
    return str(json.loads(long))


def literals(query: str) -> list[str]:
    tokens = TOKEN.findall(query)
    assert "".join(tokens) == query
    return [go_string(token) for token in tokens if token[0] in '"`']


@given(a=st.text(max_size=40), b=st.text(max_size=40), c=st.text(max_size=40))
def test_hostile_values_read_back_and_nothing_else_changes(a: str, b: str, c: str) -> None:
    def query(x: str, y: str, z: str) -> str:
        return str(
            LogQuery(
                matchers=(APP, Matcher(label="pod", op="!=", value=x)),
                stages=(LineFilter(value=y), Parser(name="json"), LabelFilter(label="level", text=z)),
            )
        )

    written = query(a, b, c)
    assert literals(written) == ["a", a, b, c]
    skeleton = [t for t in TOKEN.findall(written) if t[0] not in '"`']
    assert skeleton == [t for t in TOKEN.findall(query("x", "y", "z")) if t[0] not in '"`']


def test_blocks_are_written_as_the_server_prints_them() -> None:
    shop = LogQuery(matchers=(Matcher(label="namespace", value="shop"),))
    counted = CountQuery(of=shop, range_s=60, aggregation="sum", by=("service_name", "level"))
    assert str(counted) == 'sum by (service_name, level) (count_over_time({namespace="shop"}[1m]))'
    top = CountQuery(of=shop, function="rate", range_s=300, aggregation="topk", k=3)
    assert str(top) == 'topk(3, rate({namespace="shop"}[5m]))'


def test_an_unwrapped_number_leaves_out_lines_that_have_none() -> None:
    of = LogQuery(matchers=(APP,), stages=(Parser(name="logfmt"),))
    asked = NumberQuery(of=of, unwrap="took", convert="duration", function="max_over_time", range_s=60)
    assert str(asked) == 'max_over_time({app="a"} | logfmt | unwrap duration(took) | __error__="" [1m])'


def test_labels_are_shown_instead_of_the_line() -> None:
    assert str(LineFormat(labels=("msg", "amount_value"))) == '| line_format "{{.msg}} {{.amount_value}}"'


@pytest.mark.parametrize(
    "matchers", [(), (Matcher(label="a", op="=~", value=".*"),), (Matcher(label="a", op="!=", value="b"),)]
)
def test_a_query_that_narrows_nothing_is_refused(matchers: tuple[Matcher, ...]) -> None:
    with pytest.raises(ValueError, match=r"matcher|at least"):
        LogQuery(matchers=matchers)


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "a"},
        {"label": "a", "text": "b", "number": 1},
        {"label": "a", "op": ">", "text": "b"},
        {"label": "a", "op": "=", "number": 1},
        {"label": "a b", "text": "c"},
    ],
)
def test_a_comparison_that_the_server_would_refuse_or_misread_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"wants|compare|pattern"):
        LabelFilter.model_validate(wrong)


@pytest.mark.parametrize("wrong", [{"aggregation": "topk"}, {"aggregation": "sum", "k": 1}, {"by": ("a",)}])
def test_an_aggregation_is_whole(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="want"):
        CountQuery.model_validate({"of": LogQuery(matchers=(APP,)), "range_s": 60, **wrong})
