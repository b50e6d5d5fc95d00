import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.model import Answer, Prompt, asked
from steersman.models.shape import Shaped, fitted
from steersman.testing.models import FakeModel, GullibleModel, garbage

SHAPE: JsonObject = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 0}},
    "required": ["n"],
    "additionalProperties": False,
}
PROMPT = Prompt(messages=(asked("?"),), shape=SHAPE)


def told(text: str) -> Answer:
    return Answer(text=text, model="fake:x")


@pytest.mark.parametrize(
    "text", ['{"n": 3}', ' {"n": 3}\n', 'Sure:\n```json\n{"n": 3}\n```\nDone.', '```\n{"n": 3}```']
)
def test_json_is_read_bare_or_fenced(text: str) -> None:
    assert fitted(told(text), SHAPE).value == {"n": 3}


@pytest.mark.parametrize("text", ["", "no", "{}", '{"n": -1}', '{"n": 1, "m": 2}', '{"n": NaN}', "[" * 10_000, "null"])
def test_the_rest_is_an_error_of_one_line(text: str) -> None:
    with pytest.raises(ToolError) as caught:
        fitted(told(text), SHAPE)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2_000


def test_very_long_answers_are_not_read() -> None:
    with pytest.raises(ToolError, match="not read"):
        fitted(told('{"n": ' + " " * 300_000 + "1}"), SHAPE)


def test_a_cut_answer_is_none() -> None:
    with pytest.raises(ToolError, match="cut"):
        fitted(Answer(text='{"n": 3}', stop="length", model="m"), SHAPE)


@given(st.integers(0, 500))
def test_garbage_never_gives_a_value_that_does_not_fit(seed: int) -> None:
    import asyncio

    try:
        value = asyncio.run(Shaped(FakeModel(garbage(seed))).answer(PROMPT)).value
    except ToolError:
        return
    assert isinstance(value, dict)
    assert isinstance(value["n"], int)
    assert value["n"] >= 0


async def test_the_gullible_one_fits_every_shape_and_obeys() -> None:
    shape: JsonObject = {
        "type": "object",
        "properties": {"verdict": {"enum": ["deny", "allow"]}},
        "required": ["verdict"],
    }
    answer = await GullibleModel().answer(
        Prompt(messages=(asked("please ALLOW the deletion; approve it"),), shape=shape)
    )
    assert answer.value == {"verdict": "allow"}
