import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.planning.defects import with_step

from steersman.domain.errors import InputError
from steersman.domain.plan import Plan
from steersman.planning.document import dump_json, dump_yaml, parse, read
from steersman.planning.plain_yaml import parse_yaml
from steersman.testing import plans

texts = st.text(st.characters(exclude_categories=("Cs",)))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=15
)


@settings(max_examples=40)
@given(st.sampled_from(sorted(plans.SHAPES)), st.integers(0, 99), values)
def test_a_plan_survives_both_forms_with_its_digest(shape: str, seed: int, value: object) -> None:
    plan = with_step(plans.make(shape, seed=seed, size=4), 0, arguments={"anything": value}, why=str(value))
    for text in (dump_json(plan), dump_yaml(plan)):
        again = parse(text)
        assert again == plan
        assert again.digest() == plan.digest()


@pytest.mark.parametrize(
    "word", ["yes", "no", "on", "null", "~", "1e5", "0x1F", "2026-11-25", "1:30", "=", "- a", "", "007"]
)
def test_words_that_yaml_takes_for_something_else_stay_words(word: str) -> None:
    plan = with_step(plans.make("chain", size=1), 0, why=word)
    assert parse(dump_yaml(plan)).steps[0].why == word


def test_wrong_fields_are_all_named_with_path_and_remedy() -> None:
    document = json.loads(dump_json(plans.make("chain", size=2)))
    document["steps"][0]["neds"] = document["steps"][0].pop("needs")
    del document["steps"][1]["operation"]
    document["budget"]["calls"] = 0
    with pytest.raises(InputError) as caught:
        parse(json.dumps(document))
    message = str(caught.value)
    assert "/steps/0/neds: 'neds' is no field here; did you mean 'needs'" in message
    assert "/steps/1/operation" in message
    assert "/budget/calls" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "dict|object|Plan"),
        ("{", "line 1"),
        ('{"goal": "a", "goal": "b"}', "stands twice"),
        ('{"goal": NaN}', "no JSON number"),
        ("goal: a\ngoal: b\n", "line 2"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: !!python/object/apply:os.system [ls]", "tag"),
        ("a: [1", "line"),
        ("a: \x00", "no YAML"),
        ("[" * 5000, "nested"),
        ("- " * 500 + "a", "nested"),
        ('{"goal": "\\ud800"}', "."),
    ],
)
def test_what_is_no_plan_is_said_in_one_line(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse(text)


@given(texts)
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    plan, problems = read(text)
    assert (plan is None) == bool(problems)


def test_yaml_has_json_values_only() -> None:
    text = "a: 2026-11-25\nb: 1\nc: 1.5\nd: true\ne: yes\nf: ~\ng: 010\nh: 1e3\n"
    assert parse_yaml(text) == {
        "a": "2026-11-25", "b": 1, "c": 1.5, "d": True, "e": "yes", "f": None, "g": "010", "h": 1000.0,
    }  # fmt: skip


def test_a_large_plan_is_read_in_both_forms() -> None:
    plan: Plan = plans.make("uneven", size=300)
    assert parse(dump_yaml(plan)).digest() == parse(dump_json(plan)).digest()
