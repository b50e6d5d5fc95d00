"""The outer graph: prepare, each phase as a sub-graph, finish, undo. LangGraph carries the run, the journal decides.

State holds ids and words only. An interrupt parks and proves nothing: every start enters at the top and goes by the
journal, so that a checkpoint which disagrees with it loses by construction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

import aiosqlite
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from steersman.domain.event import FINAL
from steersman.domain.plan import Plan
from steersman.engines.local import stages
from steersman.engines.local.order import phases
from steersman.engines.local.stages import Next

if TYPE_CHECKING:
    # Not at run time: LangGraph would follow it, and allow checkpoints to construct every type that a session mentions.
    from steersman.engines.local.session import Session


class State(TypedDict, total=False):
    """All that is checkpointed."""

    run_id: str
    phase: str
    """The last phase that was entered."""
    next: Next


@dataclass(frozen=True)
class Context:
    """What the nodes get by LangGraph's `Runtime`."""

    session: Session


class Node(Protocol):
    """A node as LangGraph calls it."""

    async def __call__(self, state: State, *, runtime: Runtime[Context]) -> State:
        """What changes in the state."""
        ...


def phase_node(name: str) -> str:
    """The name of a phase's node; LangGraph keeps the colon for itself."""
    return f"phase-{name.replace(':', '·')}"


def build(plan: Plan, saver: BaseCheckpointSaver[str] | None = None) -> CompiledStateGraph[Any, Context, Any, Any]:
    """The graph of a plan. Run it with a `Context`."""
    return _compiled(tuple(phase for phase, _ in phases(plan))).copy({"checkpointer": saver})


@lru_cache(maxsize=64)
def _compiled(names: tuple[str, ...]) -> CompiledStateGraph[Any, Context, Any, Any]:
    """Compiled once for all plans of these phases: everything else of a plan is in the session."""
    outer = StateGraph(State, context_schema=Context)
    outer.add_node("prepare", _node(stages.prepare))
    outer.add_node("finish", _node(stages.finish))
    outer.add_node("undo", _node(stages.undo))
    outer.add_node("park", _park)
    for name in names:
        outer.add_node(phase_node(name), _phase(name))
    outer.add_edge(START, "prepare")
    order = ["prepare", *map(phase_node, names), "finish"]
    for here, after in pairwise(order):
        outer.add_conditional_edges(here, _next, {"go": after, "undo": "undo", "park": "park", "end": END})
    outer.add_conditional_edges("finish", _next, {"undo": "undo", "park": "park", "end": END})
    outer.add_conditional_edges("undo", _next, {"park": "park", "end": END})
    outer.add_edge("park", END)
    return outer.compile(name="run")


async def travel(session: Session, checkpoints: Path | None) -> None:
    """Takes a run through its graph, from the top, as far as it can go. A final run leaves no checkpoints behind."""
    async with open_saver(checkpoints) as saver:
        graph = build(session.progress.plan, saver)
        config: RunnableConfig = {"configurable": {"thread_id": session.run_id}}
        await graph.ainvoke({"run_id": session.run_id}, config, context=Context(session), durability="sync")
        if session.state in FINAL:
            await saver.adelete_thread(session.run_id)


@asynccontextmanager
async def open_saver(path: Path | None) -> AsyncIterator[BaseCheckpointSaver[str]]:
    """LangGraph's checkpoints beside the journal. They decide nothing, so they need not survive a power cut."""
    strict = JsonPlusSerializer(allowed_msgpack_modules=None)
    if path is None:
        yield InMemorySaver(serde=strict)
        return
    async with aiosqlite.connect(path, timeout=30) as connection:
        await connection.execute("PRAGMA synchronous=NORMAL")
        yield AsyncSqliteSaver(connection, serde=strict)


def _phase(name: str) -> CompiledStateGraph[Any, Context, Any, Any]:
    async def steps(state: State, *, runtime: Runtime[Context]) -> State:
        return {**state, "phase": name, "next": await stages.run_phase(runtime.context.session, name)}

    inner = StateGraph(State, context_schema=Context)
    inner.add_node("steps", steps)
    inner.add_edge(START, "steps")
    inner.add_edge("steps", END)
    return inner.compile(name=phase_node(name))


def _node(stage: Callable[[Session], Awaitable[Next]]) -> Node:
    async def node(state: State, *, runtime: Runtime[Context]) -> State:
        return {**state, "next": await stage(runtime.context.session)}

    return node


async def _park(state: State, *, runtime: Runtime[Context]) -> State:
    session = runtime.context.session
    interrupt({"run_id": state["run_id"], "state": session.state, "reason": session.reason})
    return {}


async def _next(state: State) -> Next:
    """Asynchronous, or LangGraph would send it to a thread."""
    return state["next"]
