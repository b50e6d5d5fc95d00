"""TraceQL has no parser on PyPI: its literals are read back with the lexer of the LogQL tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.queries.test_logql import TOKEN, literals

from steersman.queries.traceql import Aggregate, Attribute, Comparison, IntrinsicField, SpanMetric, SpanSet, TraceQuery

SERVICE = Attribute(scope="resource", name="service.name")
DURATION = IntrinsicField(intrinsic="duration")


@given(a=st.text(max_size=40), b=st.text(max_size=40))
def test_hostile_values_read_back_and_nothing_else_changes(a: str, b: str) -> None:
    def query(x: str, y: str) -> str:
        name = IntrinsicField(intrinsic="name")
        return str(SpanSet(all_of=(Comparison(field=SERVICE, text=x), Comparison(field=name, op="=~", text=y))))

    written = query(a, b)
    assert literals(written) == [a, b]
    assert [t for t in TOKEN.findall(written) if t[0] != '"'] == [
        t for t in TOKEN.findall(query("x", "y")) if t[0] != '"'
    ]


@pytest.mark.parametrize("name", ['a" || true', "a}", "a = 1 }", "", 'x"', "a\\", "a\n"])
def test_an_attribute_name_cannot_break_out(name: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Attribute(name=name)


def test_an_odd_attribute_name_is_quoted() -> None:
    assert str(Attribute(scope="span", name="my attr")) == 'span."my attr"'
    assert str(Attribute(name="http.route")) == ".http.route"


@pytest.mark.parametrize(
    "wrong",
    [
        {"field": {"intrinsic": "status"}, "text": "error"},
        {"field": {"intrinsic": "duration"}, "number": 5},
        {"field": {"intrinsic": "name"}, "number": 5},
        {"field": {"scope": "span", "name": "a"}, "status": "error"},
        {"field": {"scope": "span", "name": "a"}, "op": ">", "text": "b"},
        {"field": {"scope": "span", "name": "a"}, "op": "=~", "number": 1},
        {"field": {"scope": "span", "name": "a"}},
        {"field": {"scope": "span", "name": "a"}, "text": "b", "flag": True},
    ],
)
def test_a_comparison_that_the_server_would_refuse_or_never_match_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"wants|compare|belong"):
        Comparison.model_validate(wrong)


def test_blocks_are_written_as_the_documentation_does() -> None:
    slow = Comparison(field=DURATION, op=">", duration_s=0.5)
    flag = Comparison(field=Attribute(scope="span", name="cache.hit"), flag=False)
    assert str(SpanSet(all_of=(slow, flag))) == "{ duration > 500ms && span.cache.hit = false }"
    assert str(TraceQuery()) == "{ }"
    assert str(Aggregate(function="count", op=">", number=3)) == "count() > 3"
    metric = SpanMetric(function="quantile_over_time", field=DURATION, quantiles=(0.5, 0.99), by=(SERVICE,), top=3)
    assert str(metric) == "{ } | quantile_over_time(duration, .5, .99) by (resource.service.name) | topk(3)"


@pytest.mark.parametrize(
    "wrong", [{"function": "rate", "field": DURATION}, {"function": "avg_over_time"}, {"quantiles": (0.5,)}]
)
def test_a_metric_is_whole(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="want"):
        SpanMetric.model_validate(wrong)
