"""Answers whether something bears a load: reads words into a profile, runs it, judges it, names the bottleneck.

The words are read by code (`planning/load_request.py`), and what was not said is asked for with an interrupt. A model,
where there is one, words the report and no more. The agent holds no operation; whoever builds it hands in `load`, which
goes through the gate.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from steersman.agents.benchmark_report import BenchmarkReport, sentences
from steersman.agents.writing import Citable, of_investigation, written
from steersman.domain.errors import InputError
from steersman.domain.finding import Investigation
from steersman.domain.load import LoadProfile
from steersman.domain.load_result import Limit, LoadResult, LoadVerdict
from steersman.domain.model import Model
from steersman.domain.signal import Window
from steersman.judgement.benchmark import judge_run
from steersman.knowledge.language import language_of
from steersman.planning.load_preset import Wanted, preset
from steersman.planning.load_request import LoadRequest, answered, question, read_request

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

WARM_UP = 0.1
"""Share of the time that is sent and not measured, up to ten seconds."""
MOST_WARM_UP_S = 10.0
POINT_S = 15.0
"""How long each rate is held when the limit is sought and nobody says."""
TIMES_S = 1.0
MOST_QUESTIONS = 5

Load = Callable[[LoadProfile], Awaitable[LoadResult]]
"""Runs a profile, through the gate."""
FindLimit = Callable[[LoadProfile], Awaitable[Limit]]
"""Finds the highest rate that holds the goals, through the gate; the profile says how long each rate is held."""
Investigate = Callable[[str, Window, str], Awaitable[Investigation]]
"""Question, window, and the service that was asked ("" when it is only a URL)."""


@dataclass(frozen=True, slots=True)
class BenchmarkDeps:
    """What the agent works with."""

    load: Load
    targets: Mapping[str, str] = field(default_factory=dict)
    """URLs by the names that people call them."""
    limit: FindLimit | None = None
    investigate: Investigate | None = None
    """Without it the report names no bottleneck."""
    writer: Model | None = None
    """Words the report; its sentences cite those of code."""


class BenchmarkState(TypedDict, total=False):
    """What the graph carries: `text` goes in, `report` comes out."""

    text: str
    request: LoadRequest
    questions: int
    report: BenchmarkReport


def profile_for(request: LoadRequest, targets: Mapping[str, str]) -> LoadProfile:
    """The profile of a request from which nothing is missing. Raises InputError, one line."""
    url = targets.get(request.target, request.target)
    duration_s = request.duration_s or POINT_S
    steady = request.shape == "load"  # "200 a second" means 200 from the first second to the last
    wanted = Wanted(
        shape="soak" if steady else request.shape,
        url=url,
        model=request.model,
        level=request.level or (TIMES_S if request.wants_limit else None),
        duration_s=duration_s,
        goals=request.goals,
        name=f"ask-{request.target}"[:60] if request.target in targets else "",
        warm_up_s=min(duration_s * WARM_UP, MOST_WARM_UP_S) if steady else 0.0,
    )
    return preset(wanted)


@dataclass(frozen=True, slots=True)
class _Nodes:
    deps: BenchmarkDeps

    async def read(self, state: BenchmarkState) -> BenchmarkState:
        return {"request": read_request(state["text"], self.deps.targets.keys()), "questions": 0}

    async def ask(self, state: BenchmarkState) -> BenchmarkState:
        from langgraph.types import interrupt

        request, asked = state["request"], state["questions"]
        korean = language_of(request.text) == "ko"
        words = question(request, self.deps.targets.keys(), korean=korean)
        if asked >= MOST_QUESTIONS:
            raise InputError(f"still missing after {asked} answers: {words}")
        answer = interrupt({"missing": [*request.missing], "question": words})
        return {
            "request": answered(request, str(answer), self.deps.targets.keys()),
            "questions": asked + 1,
        }

    async def run(self, state: BenchmarkState) -> BenchmarkState:
        request = state["request"]
        profile = profile_for(request, self.deps.targets)
        if request.wants_limit:
            return {"report": await self._limit(request, profile)}
        result = await self.deps.load(profile)
        verdict, latency = judge_run(profile, result), result.latency
        p50, p95, p99 = (latency.quantile_ms(q) if latency.count else 0.0 for q in (0.5, 0.95, 0.99))
        report = BenchmarkReport(
            text="",
            request=request,
            profile=profile,
            run=result.name,
            verdict=verdict,
            requests=result.requests,
            rate=result.rate,
            error_ratio=result.failures / result.requests if result.requests else 0.0,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            investigation=await self._bottleneck(request, result, verdict),
        )
        return {"report": report}

    async def tell(self, state: BenchmarkState) -> BenchmarkState:
        report = state["report"]
        text = sentences(report)
        told = report.model_copy(update={"text": text})
        if self.deps.writer is None:
            return {"report": told}
        facts = [Citable(id=f"b{place}", text=line) for place, line in enumerate(text.splitlines(), start=1)]
        facts += of_investigation(report.investigation) if report.investigation else ()
        said = await written(state["text"], facts, self.deps.writer, lang=language_of(state["text"]))
        return {"report": told.model_copy(update={"written": said})}

    async def _limit(self, request: LoadRequest, profile: LoadProfile) -> BenchmarkReport:
        if self.deps.limit is None:
            raise InputError(f"{request.text!r} asks for a limit, and this agent can find none; name a rate")
        return BenchmarkReport(text="", request=request, profile=profile, limit=await self.deps.limit(profile))

    async def _bottleneck(self, request: LoadRequest, result: LoadResult, verdict: LoadVerdict) -> Investigation | None:
        """What is to blame, where the goals were not held. A generator that did not keep up is its own answer."""
        if self.deps.investigate is None or verdict.result == "pass" or verdict.flaws:
            return None
        window = Window(start=result.started_at, end=result.finished_at, step_s=1.0)
        service = request.target if request.target in self.deps.targets else ""
        return await self.deps.investigate(request.text, window, service)


def _lacks(state: BenchmarkState) -> Literal["ask", "run"]:
    return "ask" if state["request"].missing else "run"


def benchmark_runner(
    deps: BenchmarkDeps | None = None, *, checkpointer: Any = None
) -> CompiledStateGraph[BenchmarkState, None, BenchmarkState, BenchmarkState]:
    """Read -> (ask until nothing is missing) -> run -> tell.

    checkpointer: without one a question cannot be parked, and a request that lacks something raises instead. deps: None
    gives a graph to be looked at, which refuses to run.
    """
    from langgraph.graph import END, START, StateGraph

    nodes = _Nodes(deps or BenchmarkDeps(load=_nothing))
    builder = StateGraph(BenchmarkState)
    builder.add_node("read", nodes.read)
    builder.add_node("ask", nodes.ask)
    builder.add_node("run", nodes.run)
    builder.add_node("tell", nodes.tell)
    builder.add_edge(START, "read")
    builder.add_conditional_edges("read", _lacks)
    builder.add_conditional_edges("ask", _lacks)
    builder.add_edge("run", "tell")
    builder.add_edge("tell", END)
    return builder.compile(name="benchmark_runner", checkpointer=checkpointer)


async def _nothing(profile: LoadProfile) -> LoadResult:
    raise InputError(f"no way to run {profile.name!r} was handed in; give `BenchmarkDeps(load=...)`")
