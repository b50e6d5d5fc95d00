"""A load test that is asked for in words: the agent, wired to the gate, and the questions it has."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from steersman.cli.benching import Asking, perform, put_under_load
from steersman.cli.output import interactive, talk_console

if TYPE_CHECKING:
    from steersman.agents.benchmark import BenchmarkDeps
    from steersman.agents.benchmark_report import BenchmarkReport
    from steersman.app.wiring import App
    from steersman.domain.fact import JsonObject
    from steersman.domain.finding import Investigation
    from steersman.domain.load import GeneratorName, LoadProfile
    from steersman.domain.load_result import Limit, LoadResult
    from steersman.domain.signal import Window

LAG_S = 1.5
"""Telemetry of the last moments takes so long to arrive."""
MOST_POINTS = 240
LOWEST = 1.0
"""Requests per second that a search for the limit begins with."""


async def answer(app: App, words: str, generator: GeneratorName, asking: Asking) -> BenchmarkReport:
    """The agent's report. Raises InputError for what is missing when nobody can be asked."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.types import Command

    from steersman.agents.benchmark import benchmark_runner

    graph = benchmark_runner(await _deps(app, generator, asking), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "ask"}}
    state: Any = await graph.ainvoke({"text": words}, config)
    while waiting := state.get("__interrupt__"):
        state = await graph.ainvoke(Command(resume=_asked(waiting[0].value["question"])), config)
    report: BenchmarkReport = state["report"]
    return report


def _asked(words: str) -> str:
    from rich.prompt import Prompt

    from steersman.domain.errors import InputError

    if not interactive():
        raise InputError(f"the request lacks something: {words}")
    return Prompt.ask(words, console=talk_console())


async def _deps(app: App, generator: GeneratorName, asking: Asking) -> BenchmarkDeps:
    from steersman.agents.benchmark import BenchmarkDeps
    from steersman.app.load_targets import load_targets

    async def load(profile: LoadProfile) -> LoadResult:
        from steersman.app.loads import kept
        from steersman.cli.commands.bench import names_of, show_card

        (name,) = names_of(profile, "", 1)
        show_card(app, profile, generator, asking.lang)
        await put_under_load(app, profile, name, generator, asking)
        return kept(app.settings, f"{generator}/{name}")[1]

    async def limit(profile: LoadProfile) -> Limit:
        return await _limit(app, profile, generator, asking)

    async def look(question: str, window: Window, service: str) -> Investigation:
        return await _look(app, question, window, service)

    sees = app.world.signals
    return BenchmarkDeps(load=load, targets=await load_targets(app), limit=limit, investigate=look if sees else None)


async def _limit(app: App, profile: LoadProfile, generator: GeneratorName, asking: Asking) -> Limit:
    from steersman.app.loads import caps_of
    from steersman.cli.commands.bench import names_of, show_card
    from steersman.domain.load import Stage
    from steersman.domain.load_result import Limit

    highest = caps_of(app.settings, app.world.environment).requests_s
    shown = profile.model_copy(update={"stages": (Stage(duration_s=profile.duration_s, level=highest),)})
    show_card(app, shown, generator, asking.lang)
    arguments: JsonObject = {
        "name": names_of(profile, "", 1)[0],
        "profile": profile.model_dump(mode="json"),
        "lowest": LOWEST,
        "highest": highest,
    }
    return Limit.model_validate(await perform(app, f"{generator}.find_limit", arguments, asking))


async def _look(app: App, question: str, window: Window, service: str) -> Investigation:
    from steersman.app.store import CLOCK
    from steersman.cli.investigating import investigate_window

    await CLOCK.sleep(LAG_S)
    seconds = (window.end - window.start) / timedelta(seconds=1)
    asked = window.model_copy(update={"step_s": max(1.0, seconds / MOST_POINTS)})
    known = service if service in app.world.services else ""
    return await investigate_window(app, question, window=asked, service=known)
