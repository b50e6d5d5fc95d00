"""Scenario documents load as they stand, and say exactly what is wrong where they do not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.scenario import Scenario
from steersman.knowledge.document import LONGEST_DOCUMENT, read, read_all, write

DESIGN_JSON = (Path(__file__).parent / "design_example.json").read_text("utf-8")


def test_the_json_of_the_design_loads_exactly_as_it_stands() -> None:
    loaded = read(DESIGN_JSON)
    assert not loaded.defects
    plain = loaded.scenarios[0].model_dump(mode="json", exclude_defaults=True)
    assert plain == json.loads(DESIGN_JSON)


def test_a_scenario_written_as_yaml_reads_back_unchanged() -> None:
    scenario = read(DESIGN_JSON).scenarios[0]
    assert read(write(scenario)).scenarios == (scenario,)


@pytest.mark.parametrize(
    ("text", "line", "field", "word"),
    [
        ("id: a\ngoal: b\nstep: [c]", 3, "step", "did you mean `steps`"),
        ("id: a\n", 1, "goal", "add `goal`"),
        ("- id: a\n  goal: g\n- id: b\n  goal: [1]\n", 4, "1.goal", "string"),
        ('{"id": "a",\n "goal": 7}', 2, "goal", "string"),
        ('{"id": "a",\n "goal" "b"}', 2, "", "JSON"),
        ("id: a\nid: b\ngoal: c\n", 2, "", "twice"),
        ('{"id": "a", "id": "b", "goal": "c"}', 0, "", "twice"),
        ('id: a\ngoal: "\\u202e x"\n', 2, "goal", "U+202E"),
        ('{"id": "a", "goal": "\\u001b[31mred"}', 1, "goal", "U+001B"),
        ('{"id": "a", "goal": "\\ud800"}', 0, "goal", "U+D800"),
        ("id: ../etc\ngoal: g\n", 1, "id", "not an id"),
        ("id: a\ngoal: ' '\n", 2, "goal", "empty"),
        ("a: &x [1]\nb: *x\n", 1, "", "anchor"),
        ("!!python/object:os.system x", 1, "", "YAML"),
        ('{"id": "a", "goal": NaN}', 0, "", "NaN"),
        ("", 0, "", "empty"),
        ("[]", 0, "", "no scenario"),
        ("just words", 1, "", "object"),
        ("[" * 5_000, 0, "", "deep"),
        ("x" * (LONGEST_DOCUMENT + 1), 0, "", "limit"),
        ("id: a\ngoal: " + "x" * 9_000, 2, "goal", "limit"),
        ('{"id":"a","goal":"b","conditions":[{"id":"x"}]}', 1, "conditions.0.signal", "missing"),
    ],
)
def test_a_defect_names_line_field_and_remedy(text: str, line: int, field: str, word: str) -> None:
    loaded = read(text, file="f.yaml")
    assert not loaded.scenarios or text.startswith("- id: a")
    defect = loaded.defects[0]
    assert (defect.file, defect.line, defect.field) == ("f.yaml", line, field)
    assert word in str(defect)
    assert defect.remedy
    assert "\n" not in str(defect)


def test_the_sound_files_of_a_folder_load_beside_broken_ones() -> None:
    loaded = read_all({"a.yaml": "id: a\ngoal: g", "b.json": "{", "c.yaml": "id: c\ngoal: g"})
    assert [scenario.id for scenario in loaded.scenarios] == ["a", "c"]
    assert [defect.file for defect in loaded.defects] == ["b.json"]


def test_two_different_scenarios_cannot_share_an_id() -> None:
    loaded = read_all({"a.yaml": "id: a\ngoal: g", "b.yaml": "id: a\ngoal: other"})
    assert len(loaded.scenarios) == 1
    assert "taken" in loaded.defects[0].reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(list(Scenario.model_fields)) | st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_any_json_gives_scenarios_or_defects_and_never_an_exception(value: object) -> None:
    loaded = read(json.dumps(value))
    assert bool(loaded.scenarios) or bool(loaded.defects)


@given(st.text() | st.text(alphabet="{}[]:,-&*!|>#\"' \n\tab"))
def test_any_text_gives_scenarios_or_defects_and_never_an_exception(text: str) -> None:
    loaded = read(text)
    assert bool(loaded.scenarios) or bool(loaded.defects)
    assert all("\x1b" not in str(defect) for defect in loaded.defects)
