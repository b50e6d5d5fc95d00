import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steersman.domain.errors import BudgetExceededError, UnavailableError
from steersman.domain.finding import Cost
from steersman.domain.model import Answer, Prompt, Usage, asked
from steersman.models.meter import Meter, Metered
from steersman.models.spec import FREE, Caps, Price
from steersman.testing.clock import FakeClock
from steersman.testing.models import FakeModel

PROMPT = Prompt(messages=(asked("hello"),), max_output_tokens=100)
PRICE = Price(input=1_000_000, output=1_000_000)


def speaking(tokens: int, text: str = "hi") -> FakeModel:
    usage = Usage(input_tokens=0, output_tokens=tokens)
    return FakeModel(lambda _: Answer(text=text, usage=usage, model="fake:x"))


async def spend(metered: Metered, most: int = 100) -> int:
    for done in range(most):
        try:
            await metered.answer(PROMPT)
        except BudgetExceededError:
            return done
    return most


@given(st.integers(1, 30), st.integers(1, 60), st.integers(0, 50))
def test_no_cap_is_passed_by_more_than_one_call(calls: int, tokens: int, each: int) -> None:
    meter = Meter(Caps(calls=calls, tokens=tokens, money_usd=1e9), FakeClock())
    metered = Metered(speaking(each), meter, PRICE)
    done = asyncio.run(spend(metered))
    dearest = max(each, 1) + 8
    assert meter.calls <= calls
    assert meter.tokens <= tokens + dearest
    assert done >= 1


async def test_money_is_capped() -> None:
    meter = Meter(Caps(money_usd=25.0), FakeClock())
    await spend(Metered(speaking(10), meter, PRICE))
    assert 25.0 <= meter.money_usd < 25.0 + 15


async def test_time_is_capped_whoever_spends_it() -> None:
    clock = FakeClock()
    meter = Meter(Caps(seconds=5), clock)
    metered = Metered(speaking(1), meter, FREE)
    await metered.answer(PROMPT)
    clock.move(seconds=6)
    with pytest.raises(BudgetExceededError, match="seconds"):
        await metered.answer(PROMPT)


async def test_a_provider_that_reports_no_tokens_is_not_believed() -> None:
    meter = Meter(Caps(tokens=1_000), FakeClock())
    metered = Metered(FakeModel(lambda _: Answer(text="x" * 4_000, model="fake:x")), meter, FREE)
    assert await spend(metered) <= 2


async def test_calls_side_by_side_do_not_share_what_is_left() -> None:
    class Slow(FakeModel):
        async def answer(self, prompt: Prompt) -> Answer:
            await asyncio.sleep(0)
            return await FakeModel.answer(self, prompt)

    meter = Meter(Caps(tokens=50), FakeClock())
    metered = Metered(Slow(speaking(30).replies), meter, FREE)
    answers = await asyncio.gather(*(metered.answer(PROMPT) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, Answer) for answer in answers) <= 2
    assert meter.tokens <= 50 + 40


async def test_an_attempt_that_fails_is_paid_and_counted() -> None:
    meter = Meter(Caps(calls=2), FakeClock())
    metered = Metered(FakeModel([UnavailableError("away")]), meter, FREE)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await metered.answer(PROMPT)
    with pytest.raises(BudgetExceededError, match="calls"):
        await metered.answer(PROMPT)
    assert meter.tokens > 0


async def test_the_ledger_is_charged_and_may_say_no() -> None:
    charged: list[Cost] = []

    async def charge(cost: Cost) -> None:
        charged.append(cost)
        if sum(each.tokens for each in charged) > 20:
            raise BudgetExceededError("the run has no more")

    metered = Metered(speaking(12), Meter(Caps(), FakeClock(), charge), FREE)
    await metered.answer(PROMPT)
    with pytest.raises(BudgetExceededError, match="the run has no more"):
        await metered.answer(PROMPT)
    assert [cost.tokens >= 12 for cost in charged] == [True, True]


async def test_a_stream_that_is_given_up_is_paid() -> None:
    meter = Meter(Caps(), FakeClock())
    metered = Metered(FakeModel(["one two three four"]), meter, FREE)
    pieces = metered.stream(PROMPT)
    assert await anext(pieces) == "one "
    await pieces.aclose()  # type: ignore[attr-defined]
    assert meter.tokens > 0
    assert meter._held_tokens == 0


def test_cached_tokens_have_their_own_price() -> None:
    price = Price(input=10, output=20, cached=1)
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000, cached_tokens=900_000)
    assert price.of(usage) == pytest.approx(1.0 + 0.9 + 10.0)
