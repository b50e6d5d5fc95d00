"""Sub-graphs as one DAG: no barrier, retries, failures, questions to people, resuming."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from steersman.agents.subgraphs import Part, PartReport, Retrying, mermaid, subgraph_supervisor
from steersman.domain.errors import ConfigError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    given: JsonObject
    said: str


class Log:
    """What ran, in order; who is under way together."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def graph(self, name: str, *, ask: str = "", fail: list[Exception] | None = None, wait: str = "") -> Any:
        async def work(_: State) -> State:
            self.ran.append(name)
            if name in self.gates:
                self.gates[name].set()
            if wait:
                await self.gates.setdefault(wait, asyncio.Event()).wait()
            if fail:
                raise fail.pop(0)
            return {}

        async def finish(_: State) -> State:
            answer = interrupt({"approval": ask}) if ask else ""
            self.ran.append(f"{name}!")
            return {"said": f"{name} {answer}".strip()}

        builder = StateGraph(State)
        builder.add_node("work", work)
        builder.add_node("finish", finish)
        builder.add_edge(START, "work")
        builder.add_edge("work", "finish")
        builder.add_edge("finish", END)
        return builder.compile(name=name)


def said(report: JsonObject) -> dict[str, str]:
    parts = report["parts"]
    assert isinstance(parts, dict)
    return {name: PartReport.model_validate(part).state for name, part in parts.items()}


async def no_sleep(_: float) -> None:
    await asyncio.sleep(0)


async def test_parts_run_after_what_they_need_and_see_its_output() -> None:
    log = Log()
    seen: dict[str, Any] = {}

    def enter(inputs: JsonObject, before: Any) -> State:
        seen.update(inputs=inputs, before={name: report.output for name, report in before.items()})
        return {}

    flow = subgraph_supervisor(
        [Part("test", log.graph("test"), needs=("build",), enter=enter), Part("build", log.graph("build"))]
    )
    report = await flow.ainvoke({"version": "v2"})
    assert log.ran == ["build", "build!", "test", "test!"]
    assert seen == {"inputs": {"version": "v2"}, "before": {"build": {"said": "build"}}}
    assert report["state"] == "done"


async def test_a_part_waits_only_for_what_it_needs() -> None:
    log = Log()
    flow = subgraph_supervisor(
        [
            Part("slow", log.graph("slow", wait="after-quick")),  # ends only when the other branch has gone on
            Part("quick", log.graph("quick")),
            Part("after-quick", log.graph("after-quick"), needs=("quick",)),
        ]
    )
    log.gates["after-quick"] = asyncio.Event()
    async with asyncio.timeout(5):
        report = await flow.ainvoke({})
    assert report["state"] == "done"
    assert log.ran[-1] == "slow!"


async def test_what_is_away_is_tried_again_and_what_says_no_is_not() -> None:
    log = Log()
    flow = subgraph_supervisor(
        [
            Part(
                "away",
                log.graph("away", fail=[UnavailableError("x"), UnavailableError("y")]),
                retry=Retrying(attempts=3),
            ),
            Part("no", log.graph("no", fail=[ToolError("no")]), retry=Retrying(attempts=3)),
        ],
        sleep=no_sleep,
    )
    report = await flow.ainvoke({})
    assert said(report) == {"away": "done", "no": "failed"}
    assert report["parts"]["away"]["attempts"] == 3
    assert report["parts"]["no"] == {"part": "no", "state": "failed", "attempts": 1, "output": {}, "error": "no"}
    assert report["state"] == "partial"


@pytest.mark.parametrize(
    ("policy", "after", "last"),
    [("skip", "skipped", "done"), ("ignore", "done", "done"), ("stop", "skipped", "skipped")],
)
async def test_failure_means_what_the_policy_says(policy: Any, after: str, last: str) -> None:
    log = Log()
    flow = subgraph_supervisor(
        [
            Part("bad", log.graph("bad", fail=[ToolError("no")]), on_failure=policy),
            Part("after", log.graph("after"), needs=("bad",)),
            Part("free", log.graph("free")),
            Part("last", log.graph("last"), needs=("free",)),
        ]
    )
    report = await flow.ainvoke({})
    assert said(report) == {"bad": "failed", "after": after, "free": "done", "last": last}
    assert report["state"] == ("failed" if policy == "stop" else "partial")


async def test_a_part_that_takes_too_long_has_failed() -> None:
    log = Log()
    flow = subgraph_supervisor([Part("slow", log.graph("slow", wait="never"), timeout_s=0.01)])
    assert said(await flow.ainvoke({})) == {"slow": "failed"}


async def test_a_bug_is_not_hidden() -> None:
    flow = subgraph_supervisor([Part("bug", Log().graph("bug", fail=[ZeroDivisionError("oops")]))])
    with pytest.raises(ZeroDivisionError):
        await flow.ainvoke({})


def two_questions(log: Log, saver: Any) -> Any:
    return subgraph_supervisor(
        [
            Part("a", log.graph("a", ask="ap-1")),
            Part("b", log.graph("b", ask="ap-2")),
            Part("free", log.graph("free")),
            Part("after-free", log.graph("after-free"), needs=("free",)),
            Part("after-a", log.graph("after-a"), needs=("a",)),
        ],
        checkpointer=saver,
    )


async def open_question(flow: Any) -> Any:
    (question,) = (await flow.aget_state(CONFIG)).interrupts
    return question


async def test_questions_come_one_at_a_time_and_nothing_is_done_twice() -> None:
    log = Log()
    flow = two_questions(log, InMemorySaver())
    await flow.ainvoke({}, CONFIG)
    assert sorted(log.ran) == ["a", "after-free", "after-free!", "b", "free", "free!"]
    first = await open_question(flow)
    assert first.value == {"approval": "ap-1"}
    await flow.ainvoke(Command(resume={first.id: "yes"}), CONFIG)
    second = await open_question(flow)
    assert second.value == {"approval": "ap-2"}
    report = await flow.ainvoke(Command(resume={second.id: "no"}), CONFIG)
    assert report["parts"]["a"]["output"]["said"] == "a yes"
    assert report["parts"]["b"]["output"]["said"] == "b no"
    assert said(report)["after-a"] == "done"
    assert sorted(log.ran) == sorted(set(log.ran))


async def test_another_process_resumes_with_what_the_checkpointer_knows() -> None:
    saver, before, after = InMemorySaver(), Log(), Log()
    await two_questions(before, saver).ainvoke({}, CONFIG)
    flow = two_questions(after, saver)
    for answer in ("yes", "no"):
        question = await open_question(flow)
        report = await flow.ainvoke(Command(resume={question.id: answer}), CONFIG)
    assert report["state"] == "done"
    assert not {"a", "b", "free", "free!"} & set(after.ran)


async def test_events_of_the_parts_are_streamed() -> None:
    log = Log()
    flow = subgraph_supervisor([Part("a", log.graph("a"))])
    seen = [update async for _, update in flow.astream({}, stream_mode="updates", subgraphs=True)]
    assert {"finish": {"said": "a"}} in seen


@pytest.mark.parametrize(
    ("needs", "why"),
    [({"a": ("b",), "b": ("a",)}, "circle"), ({"a": ("c",)}, "no part"), ({"a": ("a",)}, "circle")],
)
def test_what_cannot_run_is_refused_at_once(needs: dict[str, tuple[str, ...]], why: str) -> None:
    parts = [Part(name, Log().graph(name), needs=wants) for name, wants in needs.items()]
    with pytest.raises(ConfigError, match=why):
        subgraph_supervisor(parts)


def test_two_parts_of_one_name_are_refused() -> None:
    graph: Callable[..., Any] = Log().graph
    with pytest.raises(ConfigError, match="one name"):
        subgraph_supervisor([Part("a", graph("a")), Part("a", graph("a"))])


def test_the_parts_can_be_drawn() -> None:
    assert "build --> test;" in mermaid({"build": (), "test": ("build",)})
