"""Models that will not stop: 100 scripts that loop, chatter, stall, fail, lie about their tokens or ask ever more.

Bounds: none passes its cap on calls, tokens, money or time by more than one call, however many ask at once. Besides:
five sub-agents of one second each take at most 1.3 s together, and the supervisor routes a question without a model in
under 50 ms (median).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypedDict

from steersman.agents.delegation import Report, Request, SubAgent
from steersman.agents.supervising import SupervisorDeps, supervisor
from steersman.domain.errors import BudgetExceededError, SteersmanError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.model import Answer, Model, Prompt, Usage, asked
from steersman.models.meter import Meter
from steersman.models.opening import Surroundings, guarded
from steersman.models.retry import Fallbacks
from steersman.models.shape import Shaped
from steersman.models.spec import Caps, ModelSpec, Price
from steersman.models.tokens import estimated, prompt_tokens
from steersman.models.veil import Pseudonyms
from steersman.testing.benchmark import header, report
from steersman.testing.clock import FakeClock
from steersman.testing.models import FakeModel

SCRIPTS, QUICK = 100, 20
PRICE = Price(input=3, output=15)
SHAPE: JsonObject = {"type": "object", "properties": {"done": {"type": "boolean"}}, "required": ["done"]}
MOST_TRIES = 5_000
PARALLEL_BOUND_S, ROUTING_BOUND_MS = 1.3, 50.0


@dataclass
class Worst:
    """The dearest single call that a script has made, seen from outside of the meter."""

    clock: FakeClock
    tokens: int = 0
    money: float = 0.0
    seconds: float = 0.0
    calls: int = 0

    def watch(self, rng: random.Random) -> FakeModel:
        """A model of one bad habit."""
        habit = rng.choice(["loop", "chatter", "stall", "fail", "lie", "garbage", "mixed"])

        def reply(prompt: Prompt) -> Answer:
            here = rng.choice(["loop", "chatter", "stall", "fail", "lie", "garbage"]) if habit == "mixed" else habit
            took = rng.uniform(20, 60) if here == "stall" else rng.uniform(0, 1)
            self.clock.move(seconds=took)
            text = {"chatter": "word " * rng.randrange(5_000), "lie": "x" * 40_000}.get(here, '{"done": false}')
            told = Usage(input_tokens=prompt_tokens(prompt), output_tokens=estimated(text))
            told = Usage() if here == "lie" else told
            self._note(prompt, text, took)
            if here == "fail":
                raise UnavailableError("away")
            return Answer(text="no json" if here == "garbage" else text, usage=told, model="wild:model")

        return FakeModel(reply)

    def _note(self, prompt: Prompt, text: str, took: float) -> None:
        usage = Usage(input_tokens=prompt_tokens(prompt), output_tokens=estimated(text))
        self.calls += 1
        self.tokens = max(self.tokens, usage.tokens)
        self.money = max(self.money, PRICE.of(usage))
        self.seconds = max(self.seconds, took)


async def script(seed: int) -> list[str]:
    """Runs one until its caps stop it; what it broke."""
    rng, clock = random.Random(seed), FakeClock()
    caps = Caps(
        calls=rng.choice([3, 20, 200]),
        seconds=rng.choice([30.0, 300.0]),
        tokens=rng.choice([500, 5_000, 100_000]),
        money_usd=rng.choice([0.005, 0.05, 1.0]),
    )
    worst, meter = Worst(clock), Meter(caps, clock)
    around = Surroundings(meter, clock, str, Pseudonyms(), {}, attempts=rng.choice([1, 3]), share=lambda: 0.5)
    spec = ModelSpec(provider="openai", model="wild", price=PRICE)
    models = [guarded(worst.watch(rng), spec, around) for _ in range(rng.choice([1, 2]))]
    model: Model = Shaped(models[0] if len(models) == 1 else Fallbacks(models))
    await loop(model, rng)
    broken = {
        "calls": meter.calls > caps.calls or worst.calls > caps.calls,
        "tokens": meter.tokens > caps.tokens + worst.tokens,
        "money": meter.money_usd > caps.money_usd + worst.money,
        "time": meter.seconds > caps.seconds + worst.seconds + around.attempts * 30,
    }
    return [name for name, is_broken in broken.items() if is_broken]


async def loop(model: Model, rng: random.Random) -> None:
    """An agent that never has enough: one question after the other, sometimes many at once."""
    talk = "go on. "
    for _ in range(MOST_TRIES):
        prompt = Prompt(messages=(asked(talk),), shape=SHAPE if rng.random() < 0.5 else None)
        together = [model.answer(prompt) for _ in range(rng.choice([1, 1, 4]))]
        answers = await asyncio.gather(*together, return_exceptions=True)
        if any(isinstance(answer, BudgetExceededError) for answer in answers):
            return
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, ToolError | SteersmanError):
                raise answer
        talk += "and then? "
    raise AssertionError("no cap has stopped it")


class State(TypedDict, total=False):
    """Of a sub-agent that only waits."""

    said: str


def waiting(name: str, work: Callable[[], Awaitable[None]]) -> SubAgent:
    from langgraph.graph import END, START, StateGraph

    async def node(_: State) -> State:
        await work()
        return {"said": name}

    builder = StateGraph(State)
    builder.add_node("work", node)
    builder.add_edge(START, "work")
    builder.add_edge("work", END)
    return SubAgent(
        name=name,
        description=name,
        intents=frozenset({"investigate"}),
        graph=builder.compile(),
        enter=lambda _: {},
        leave=lambda state: Report(agent=name, text=state["said"]),
    )


async def parallel(seconds: float = 1.0) -> float:
    team = tuple(waiting(f"a{n}", lambda: asyncio.sleep(seconds)) for n in range(5))
    graph = supervisor(SupervisorDeps(team))
    state = await graph.ainvoke(
        {"request": Request(text="why is checkout slow?")}
    )  # the first one compiles and imports
    started = time.perf_counter()
    state = await graph.ainvoke({"request": Request(text="why is checkout slow?")})
    took = time.perf_counter() - started
    assert len(state["reports"]) == 5
    return took


async def routing(times: int) -> float:
    async def nothing() -> None:
        pass

    graph = supervisor(SupervisorDeps((waiting("a", nothing),)))
    texts = ["why is checkout slow?", "결제가 왜 느려?", "payments 장애 원인 조사해줘", "what went wrong with front?"]
    took = []
    for number in range(times + 1):
        started = time.perf_counter()
        await graph.ainvoke({"request": Request(text=texts[number % len(texts)])})
        took.append(time.perf_counter() - started)
    return statistics.median(took[1:]) * 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    count = QUICK if given.quick else SCRIPTS
    header("Runaway models", scripts=count)
    broken = [(seed, found) for seed in range(count) if (found := asyncio.run(script(seed)))]
    together, routed = asyncio.run(parallel()), asyncio.run(routing(20 if given.quick else 100))
    rows = [
        ["scripts that passed a cap by more than one call", len(broken), 0],
        ["five sub-agents of 1 s, seconds", f"{together:.2f}", PARALLEL_BOUND_S],
        ["routing without a model, ms at the median", f"{routed:.1f}", ROUTING_BOUND_MS],
    ]
    for seed, found in broken:
        print(f"script {seed} broke {', '.join(found)}")
    passed = not broken and together <= PARALLEL_BOUND_S and routed < ROUTING_BOUND_MS
    figures: JsonObject = {"scripts": count, "broken": len(broken), "parallel_s": together, "routing_ms": routed}
    return report(["what", "measured", "bound"], rows, figures, passed=passed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
