import pytest

from steersman.domain.errors import BudgetExceededError, ConfigError, ToolError, UnavailableError
from steersman.domain.model import Answer, Prompt, asked
from steersman.models.retry import Fallbacks, Pace, Paced, Retried
from steersman.testing.clock import FakeClock
from steersman.testing.models import FakeModel

PROMPT = Prompt(messages=(asked("hello"),))
AWAY = UnavailableError("away")


async def test_what_was_away_is_asked_again_after_growing_waits() -> None:
    clock, model = FakeClock(), FakeModel([AWAY, AWAY, "here"])
    answer = await Retried(model, clock, share=lambda: 0.5).answer(PROMPT)
    assert (answer.text, len(model.prompts), clock.monotonic()) == ("here", 3, 1.0 + 2.0)


async def test_the_provider_says_how_long_to_wait() -> None:
    clock, model = FakeClock(), FakeModel([UnavailableError("busy", retry_after_s=9), "here"])
    await Retried(model, clock).answer(PROMPT)
    assert clock.monotonic() == 9


async def test_nobody_waits_an_hour() -> None:
    clock, model = FakeClock(), FakeModel([UnavailableError("busy", retry_after_s=3_600), "here"])
    with pytest.raises(UnavailableError):
        await Retried(model, clock).answer(PROMPT)
    assert clock.monotonic() == 0


@pytest.mark.parametrize("error", [ToolError("garbage"), ConfigError("key"), BudgetExceededError("spent")])
async def test_what_will_not_get_better_is_not_asked_again(error: Exception) -> None:
    model = FakeModel([error, "here"])
    with pytest.raises(type(error)):
        await Retried(model, FakeClock()).answer(PROMPT)
    assert len(model.prompts) == 1


async def test_attempts_end() -> None:
    model = FakeModel([AWAY])
    with pytest.raises(UnavailableError):
        await Retried(model, FakeClock(), attempts=4).answer(PROMPT)
    assert len(model.prompts) == 4


async def test_a_minute_holds_only_so_many_requests() -> None:
    clock = FakeClock()
    paced = Paced(FakeModel(["x"]), Pace(3, clock))
    for _ in range(7):
        await paced.answer(PROMPT)
    assert clock.monotonic() == 120


@pytest.mark.parametrize("error", [AWAY, ToolError("garbage"), ConfigError("key")])
async def test_the_next_model_is_asked(error: Exception) -> None:
    assert (await Fallbacks([FakeModel([error]), FakeModel(["second"])]).answer(PROMPT)).text == "second"


async def test_a_spent_budget_is_not_spent_elsewhere() -> None:
    second = FakeModel(["second"])
    with pytest.raises(BudgetExceededError):
        await Fallbacks([FakeModel([BudgetExceededError("spent")]), second]).answer(PROMPT)
    assert second.prompts == []


async def test_a_stream_that_has_begun_is_not_begun_elsewhere() -> None:
    class Breaking(FakeModel):
        async def stream(self, prompt: Prompt):  # type: ignore[no-untyped-def, override]
            yield "one "
            raise AWAY

    pieces = Fallbacks([Breaking([]), FakeModel(["second"])]).stream(PROMPT)
    assert await anext(pieces) == "one "
    with pytest.raises(UnavailableError):
        await anext(pieces)


async def test_a_stream_that_does_not_begin_is_replaced() -> None:
    pieces = [piece async for piece in Fallbacks([FakeModel([AWAY]), FakeModel(["two words"])]).stream(PROMPT)]
    assert pieces[:-1] == ["two ", "words"]
    assert isinstance(pieces[-1], Answer)
