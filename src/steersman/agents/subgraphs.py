"""Several sub-graphs tied into one DAG: parallel and in sequence, with retries and a policy for what fails.

A part starts when the parts that it needs are done, and waits for no others. When a part asks a person, everything
that does not depend on it goes on to its end; then the question comes out at the top, one at a time, and resuming
answers it. With a checkpointer what is finished is not done again, also after the process was killed; effects that must
not happen twice belong behind the gate, whose journal sees to that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import Field

from steersman.domain.errors import ConfigError, SteersmanError, UnavailableError
from steersman.domain.fact import Fact, JsonObject

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.pregel import Pregel

OnFailure = Literal["stop", "skip", "ignore"]
"""What the failure of a part means: nothing new starts; what needs it is skipped; what needs it runs all the same."""
PartState = Literal["done", "failed", "skipped"]
Sleep = Callable[[float], Any]


class Graph(Protocol):
    """A compiled LangGraph graph, as far as it is used here."""

    async def ainvoke(self, input: Any, config: Any = None, **more: Any) -> Any:  # noqa: A002
        """Runs it."""
        ...


class PartReport(Fact):
    """What became of a part."""

    part: str
    state: PartState
    attempts: int = 0
    output: JsonObject = {}
    error: str = ""


class FlowReport(Fact):
    """What became of all."""

    state: Literal["done", "partial", "failed"]
    """partial: some parts failed or were skipped, and the policy let the others go on."""
    parts: dict[str, PartReport]


class Retrying(Fact):
    """How often a part may be tried, and after what."""

    attempts: int = Field(default=1, ge=1, le=10)
    backoff_s: float = Field(default=1.0, ge=0)
    grow: float = Field(default=2.0, ge=1)


ONCE = Retrying()


def _nothing(_inputs: JsonObject, _before: Mapping[str, PartReport]) -> JsonObject:
    return {}


def _all(state: Any) -> JsonObject:
    return dict(state)


@dataclass(frozen=True, slots=True)
class Part:
    """One sub-graph and its place."""

    name: str
    graph: Graph
    needs: tuple[str, ...] = ()
    enter: Callable[[JsonObject, Mapping[str, PartReport]], Any] = _nothing
    """Its input, from the inputs of the whole and the reports of what it needs."""
    leave: Callable[[Any], JsonObject] = _all
    """What of its state others may see; JSON."""
    context: Any = None
    """Its dependencies, as LangGraph's run context."""
    retry: Retrying = ONCE
    retry_on: tuple[type[SteersmanError], ...] = (UnavailableError,)
    on_failure: OnFailure = "skip"
    timeout_s: float | None = None


def subgraph_supervisor(
    parts: Sequence[Part],
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    sleep: Sleep = asyncio.sleep,
    name: str = "subgraphs",
) -> Pregel[Any, Any, Any, Any]:
    """A graph that takes a JSON object and gives a `FlowReport` as one.

    Raises ConfigError for a cycle, a name that is taken twice, or a need that no part is.
    """
    from langgraph.func import entrypoint, task

    held = _ordered(parts)

    async def flow(inputs: JsonObject) -> JsonObject:
        board = _Board(held)

        @task
        async def part(part_name: str) -> JsonObject:
            return await _run(held[part_name], inputs, board, sleep)

        # Called in one fixed order: LangGraph tells finished tasks from others by the order in which they were called.
        handles = {each: part(each) for each in held}
        await asyncio.gather(*(board.follow(each, handle) for each, handle in handles.items()))
        board.raise_open_question()
        return board.report().model_dump(mode="json")

    flow.__name__ = name
    return entrypoint(checkpointer=checkpointer)(flow)


async def _run(part: Part, inputs: JsonObject, board: _Board, sleep: Sleep) -> JsonObject:
    before = await board.before(part)
    blocked = board.blocked(before)
    if blocked:
        return PartReport(part=part.name, state="skipped", error=blocked).model_dump(mode="json")
    error = ""
    for attempt in range(1, part.retry.attempts + 1):
        try:
            async with asyncio.timeout(part.timeout_s):
                state = await part.graph.ainvoke(part.enter(inputs, before), context=part.context)
            done = PartReport(part=part.name, state="done", attempts=attempt, output=part.leave(state))
            return done.model_dump(mode="json")
        except TimeoutError:
            error, again = f"it took longer than {part.timeout_s} s", True
        except SteersmanError as e:
            error, again = str(e), isinstance(e, part.retry_on)
        if not again or attempt == part.retry.attempts:
            break
        await sleep(part.retry.backoff_s * part.retry.grow ** (attempt - 1))
    return PartReport(part=part.name, state="failed", attempts=attempt, error=error).model_dump(mode="json")


class _Waits(Exception):  # noqa: N818
    """What is needed waits for a person."""


@dataclass(slots=True)
class _Board:
    """Who is done, of one execution. Not kept: after a resume it is filled again from what the checkpointer knows."""

    parts: Mapping[str, Part]
    _futures: dict[str, asyncio.Future[PartReport]] = field(default_factory=dict)
    _questions: dict[str, BaseException] = field(default_factory=dict)
    _stopped: bool = False

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._futures = {name: loop.create_future() for name in self.parts}

    async def follow(self, name: str, handle: Any) -> None:
        """Notes how a part ended. A question is kept until all others have gone as far as they can."""
        from langgraph.errors import GraphBubbleUp

        future = self._futures[name]
        try:
            report = PartReport.model_validate(await handle)
        except GraphBubbleUp as e:
            self._questions[name] = e
            future.set_exception(_Waits(name))
            future.exception()  # looked at: nobody may be waiting for it
            return
        except BaseException as e:
            future.set_exception(e)
            future.exception()
            raise
        if report.state == "failed" and self.parts[name].on_failure == "stop":
            self._stopped = True
        future.set_result(report)

    async def before(self, part: Part) -> dict[str, PartReport]:
        """The reports of all that a part needs. Raises GraphInterrupt when one of them waits for a person."""
        from langgraph.errors import GraphInterrupt

        try:
            return {need: await asyncio.shield(self._futures[need]) for need in part.needs}
        except _Waits:
            raise GraphInterrupt from None

    def blocked(self, before: Mapping[str, PartReport]) -> str:
        """Why a part must not run; empty: it may."""
        if self._stopped:
            return "a part failed whose failure stops all"
        missing = [
            need
            for need, report in before.items()
            if report.state != "done" and not (report.state == "failed" and self.parts[need].on_failure == "ignore")
        ]
        return f"it needs {', '.join(missing)}" if missing else ""

    def raise_open_question(self) -> None:
        """Raises the first question that a part asks; the others come after its answer."""
        for question in self._questions.values():
            if question.args and question.args[0]:
                raise question

    def report(self) -> FlowReport:
        """What became of all."""
        reports = {name: future.result() for name, future in self._futures.items()}
        bad = [report for report in reports.values() if report.state != "done"]
        grave = any(r.state == "failed" and self.parts[r.part].on_failure == "stop" for r in bad)
        all_bad = len(bad) == len(reports) and bool(reports)
        return FlowReport(state="failed" if grave or all_bad else "partial" if bad else "done", parts=reports)


def _ordered(parts: Sequence[Part]) -> dict[str, Part]:
    names = {part.name: part for part in parts}
    if len(names) != len(parts):
        raise ConfigError(f"two parts have one name: {sorted(part.name for part in parts)}; name each once")
    for part in parts:
        unknown = [need for need in part.needs if need not in names]
        if unknown:
            raise ConfigError(f"part {part.name!r} needs {unknown[0]!r}, which is no part; there are {sorted(names)}")
    try:
        order = TopologicalSorter({part.name: part.needs for part in parts}).static_order()
        return {name: names[name] for name in order}
    except CycleError as e:
        raise ConfigError(f"parts need each other in a circle: {' -> '.join(e.args[1])}; take one need away") from e


def mermaid(needs: Mapping[str, Sequence[str]]) -> str:
    """Parts and what they need as a mermaid graph."""
    edges = [f"    {need} --> {name};" for name, before in needs.items() for need in before]
    return "\n".join(["graph TD;", *(f"    {name}({name});" for name in needs), *edges]) + "\n"
