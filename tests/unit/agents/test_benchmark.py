"""The benchmark agent: words in, a judged run out; it asks for what is missing and names what is to blame."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from steersman.agents.benchmark import BenchmarkDeps, benchmark_runner, profile_for
from steersman.agents.benchmark_report import BenchmarkReport
from steersman.domain.errors import InputError
from steersman.domain.finding import Investigation, TimeShare
from steersman.domain.histogram import Histogram
from steersman.domain.ids import IncidentId
from steersman.domain.load import LoadProfile
from steersman.domain.load_result import Block, GeneratorHealth, Limit, LoadResult
from steersman.domain.signal import Window
from steersman.planning.load_request import read_request

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGETS = {"payments": "http://127.0.0.1:8080/quote", "front": "http://127.0.0.1:8081/"}
ASKED = "결제 API 초당 200건에서 p99 300ms 지키는지"


def measured(profile: LoadProfile, milliseconds: Sequence[float]) -> LoadResult:
    seconds = profile.duration_s - profile.warm_up_s
    block = Block(
        start_s=profile.warm_up_s,
        duration_s=seconds,
        requests=len(milliseconds),
        failures=0,
        latency=Histogram.of(milliseconds),
    )
    return LoadResult(
        name="run-1",
        generator="k6",
        profile_digest=profile.fingerprint,
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=60),
        measured_s=seconds,
        blocks=(block,),
        health=GeneratorHealth(cores=2, started=len(milliseconds)),
    )


class Target:
    """Something under load that takes as long as it was told."""

    def __init__(self, milliseconds: float = 20.0) -> None:
        self.milliseconds = milliseconds
        self.seen: list[LoadProfile] = []
        self.looked: list[tuple[Window, str]] = []

    async def load(self, profile: LoadProfile) -> LoadResult:
        self.seen.append(profile)
        return measured(profile, [self.milliseconds] * 4_000)

    async def limit(self, profile: LoadProfile) -> Limit:
        self.seen.append(profile)
        return Limit(name="run-2", generator="k6", holds=120.0, breaks=130.0)

    async def investigate(self, question: str, window: Window, service: str) -> Investigation:
        self.looked.append((window, service))
        return Investigation(incident_id=IncidentId("i"), question=question, window=window, result="no_fault")

    @property
    def deps(self) -> BenchmarkDeps:
        return BenchmarkDeps(load=self.load, targets=TARGETS, limit=self.limit, investigate=self.investigate)


async def report(words: str, target: Target) -> BenchmarkReport:
    found = (await benchmark_runner(target.deps).ainvoke({"text": words}))["report"]
    assert isinstance(found, BenchmarkReport)
    return found


async def test_goals_that_are_held_pass_and_nobody_is_blamed() -> None:
    target = Target()
    said = await report(ASKED, target)
    assert said.result == "pass"
    assert "지킵니다" in said.text
    assert target.looked == []
    (profile,) = target.seen
    assert (profile.target, profile.peak, profile.warm_up_s) == ("http://127.0.0.1:8080", 200, 6)
    assert [stage.ramp for stage in profile.stages] == [False]


async def test_goals_that_are_not_held_fail_and_the_same_window_is_looked_into() -> None:
    target = Target(milliseconds=900)
    said = await report("payments 200 rps p99 300ms", target)
    assert said.result == "fail"
    ((window, service),) = target.looked
    assert (window.start, window.end, service) == (NOW, NOW + timedelta(seconds=60), "payments")
    assert "No cause" in said.text


async def test_how_much_it_bears_is_answered_by_the_limit() -> None:
    said = await report("payments: how much does it bear with p95 under 300 ms?", Target())
    assert said.limit is not None
    assert "120/s" in said.text
    assert said.result == "pass"


async def test_what_is_missing_is_asked_for_and_the_answer_goes_on() -> None:
    target = Target()
    graph = benchmark_runner(target.deps, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    state = await graph.ainvoke({"text": "payments 부하 테스트"}, config)
    asked = state["__interrupt__"][0].value
    assert asked["missing"] == ["level", "goal"]
    state = await graph.ainvoke(Command(resume="초당 20건"), config)
    assert state["__interrupt__"][0].value["missing"] == ["goal"]
    state = await graph.ainvoke(Command(resume="p99 300ms"), config)
    assert state["report"].result == "pass"
    assert target.seen[0].peak == 20


async def test_a_graph_without_dependencies_can_be_drawn_and_runs_nothing() -> None:
    graph = benchmark_runner()
    assert "ask" in graph.get_graph().draw_mermaid()
    with pytest.raises(InputError, match="BenchmarkDeps"):
        await graph.ainvoke({"text": "http://127.0.0.1:1/ 10 rps p99 1s"})


def test_a_profile_of_words_never_leaves_its_target() -> None:
    request = read_request("http://127.0.0.1:8080/x 10 rps p99 1s", TARGETS)
    assert profile_for(request, TARGETS).target == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("words", "told"), [(ASKED, "97%를 bank 자신이"), ("payments 200 rps p99 300ms", "97% of a request")]
)
async def test_where_nothing_has_changed_whoever_spends_the_time_is_named(words: str, told: str) -> None:
    target = Target(milliseconds=900)

    async def look(question: str, window: Window, service: str) -> Investigation:
        spent = (
            TimeShare(service="bank", own_ms=138.0, share=0.97),
            TimeShare(service=service, own_ms=4.0, share=0.03),
        )
        found = await target.investigate(question, window, service)
        return found.model_copy(update={"time_spent": spent})

    deps = replace(target.deps, investigate=look)
    said = (await benchmark_runner(deps).ainvoke({"text": words}))["report"]
    assert told in said.text
    assert "138 ms" in said.text
