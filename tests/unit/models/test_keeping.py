from pathlib import Path

import pytest

from steersman.domain.errors import InputError, ToolError, UnavailableError
from steersman.domain.model import Answer, Prompt, asked
from steersman.models.keeping import Recording, Replay
from steersman.testing.models import FakeModel

ONE, TWO = Prompt(messages=(asked("one"),)), Prompt(messages=(asked("two"),))


async def test_what_was_said_is_said_again(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "answers.jsonl"
    recording = Recording(FakeModel(["first", ToolError("garbage"), "third"]), file)
    first = await recording.answer(ONE)
    with pytest.raises(ToolError):
        await recording.answer(TWO)
    third = await recording.answer(ONE)
    replay = Replay(file)
    assert replay.name == "fake:scripted"
    assert await replay.answer(ONE) == first
    assert await replay.answer(ONE) == third
    with pytest.raises(ToolError, match="garbage"):
        await replay.answer(TWO)


async def test_streams_are_kept_whole(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    said = [piece async for piece in Recording(FakeModel(["two words"]), file).stream(ONE)]
    again = [piece async for piece in Replay(file).stream(ONE)]
    assert said[-1] == again[-1]
    assert again[0] == "two words"


async def test_a_prompt_that_was_never_asked_has_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    await Recording(FakeModel(["x"]), file).answer(ONE)
    with pytest.raises(UnavailableError, match="record again"):
        await Replay(file).answer(TWO)


@pytest.mark.parametrize("text", ["no json", '{"prompt": 1}', "[]"])
def test_another_file_is_no_recording(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x"
    file.write_text(text)
    with pytest.raises(InputError, match="no recording"):
        Replay(file)


async def test_a_line_that_was_tampered_with_is_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    await Recording(FakeModel([Answer(text="x", model="m")]), file).answer(ONE)
    file.write_text(file.read_text().replace('"stop": "end"', '"stop": "never"'))
    with pytest.raises(InputError):
        await Replay(file).answer(ONE)
