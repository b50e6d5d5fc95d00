import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.signal import UNIT, Selector
from steersman.queries.matching import Matcher
from steersman.queries.promql import checked
from steersman.queries.recipes import RECIPES, recipes
from steersman.queries.signals import SignalSettings, candidates, fill, wanted


@pytest.mark.parametrize("recipe", RECIPES, ids=[f"{r.signal}-{r.metric}" for r in RECIPES])
@pytest.mark.parametrize("matchers", [(), (Matcher(label="job", value='a"b'), Matcher(label="pool", value="blue"))])
def test_every_recipe_is_promql_with_and_without_a_selector(recipe, matchers) -> None:
    for query in filter(None, (recipe.query, recipe.counts)):
        text = fill(query, matchers, step_s=15, window_s=60, status=next(iter(recipe.status), ""))
        assert "$" not in text
        assert not checked(text).is_range_vector


def test_every_signal_has_a_recipe() -> None:
    assert all(recipes(signal) for signal in UNIT)


def selectors(query: str) -> list[promql_parser.VectorSelector]:
    found: list[promql_parser.VectorSelector] = []

    def visit(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(query), visit)
    return found


@given(value=st.text(max_size=40))
def test_a_hostile_value_reaches_every_selector_of_a_recipe_unchanged(value: str) -> None:
    recipe = recipes("error_rate")[0]
    text = fill(recipe.query, (Matcher(label="job", value=value),), step_s=15, window_s=60, status="code")
    nodes = selectors(text)
    assert len(nodes) == 3
    for node in nodes:
        assert [m.value for m in node.matchers.matchers if m.name == "job"] == [value]


def test_a_hole_inside_of_a_value_is_not_filled() -> None:
    text = fill("up{$selector}", (Matcher(label="job", value="$window $selector"),), step_s=1, window_s=1)
    assert text == 'up{job="$window $selector"}'


def test_a_service_may_be_named_by_a_job_with_a_namespace_or_by_its_pods() -> None:
    found = [str(m) for m in candidates("service", "pay", preferred=(), present=("pod", "job", "le"))]
    assert found == ['job="pay"', 'pod="pay"', 'job=~".+/pay"', 'pod=~"pay-[a-z0-9]+(-[a-z0-9]+)?"']


def test_the_operators_labels_are_tried_first() -> None:
    found = [m.label for m in candidates("version", "v2", preferred=("build",), present=("version", "build"))]
    assert found == ["build", "version"]


def test_only_named_fields_select() -> None:
    assert wanted(Selector(service="a", pool="blue")) == {"service": "a", "pool": "blue"}


def test_a_query_without_a_place_for_the_selector_is_refused() -> None:
    with pytest.raises(ValueError, match="selector"):
        SignalSettings(queries={"cpu": "sum(up)"})
