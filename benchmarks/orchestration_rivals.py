"""The rivals of the orchestration benchmark: LangGraph, DBOS and plain asyncio on the same DAGs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from orchestration_runs import Cost, best, measured
from steersman.domain.plan import Plan, Step


class Number(TypedDict, total=False):
    """State of the rival graph."""

    x: int


async def langgraph(plan: Plan, folder: Path) -> Cost:
    """The same DAG with a node for each step, checkpointed by AsyncSqliteSaver as it comes."""
    async with AsyncSqliteSaver.from_conn_string(str(folder / "langgraph.db")) as saver:
        graph = rival(plan, {}, saver)
        config = {"configurable": {"thread_id": "1"}, "recursion_limit": len(plan.steps) + 5}

        async def run() -> None:
            await graph.ainvoke({"x": 0}, config, durability="sync")

        return await measured(len(plan.steps), run)


def rival(plan: Plan, delays: dict[str, float], saver: AsyncSqliteSaver | None):
    graph = StateGraph(Number)
    for step in plan.steps:

        async def node(state: Number, name: str = step.id) -> Number:
            del state
            if name in delays:
                await asyncio.sleep(delays[name])
            return {}

        graph.add_node(step.id, node)
        graph.add_edge(list(step.needs) or START, step.id)
    needed = {need for step in plan.steps for need in step.needs}
    for step in plan.steps:
        if step.id not in needed:
            graph.add_edge(step.id, END)
    return graph.compile(checkpointer=saver)


async def plain(plan: Plan, delays: dict[str, float]) -> Cost:
    """Asyncio alone: a future for each step, nothing durable."""
    loop = asyncio.get_running_loop()
    done = {step.id: loop.create_future() for step in plan.steps}

    async def one(step: Step) -> None:
        for need in step.needs:
            await done[need]
        if step.id in delays:
            await asyncio.sleep(delays[step.id])
        done[step.id].set_result(None)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for step in plan.steps:
                group.create_task(one(step))

    return await measured(len(plan.steps), run)


def dbos_costs(folder: Path, size: int, tries: int) -> dict[str, Cost]:
    """DBOS on SQLite, in a loop of its own, whose thread pool it takes over. Empty where it is not installed."""
    try:
        from dbos import DBOS
    except ImportError:
        return {}
    url = f"sqlite:///{folder / 'dbos.sqlite'}"
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False})

    @DBOS.step()
    async def work(number: int) -> int:
        return number + 1

    @DBOS.workflow()
    async def rows(size: int, width: int) -> None:
        for row in range(0, size, width):
            await asyncio.gather(*(work(row + column) for column in range(width)))

    async def run(width: int) -> Cost:
        return await best(tries, lambda: measured(size, lambda: rows(size, width)))

    async def both() -> dict[str, Cost]:
        await rows(10, 1)
        return {"chain": await run(1), "rows": await run(10)}

    DBOS.launch()
    try:
        return asyncio.run(both())
    finally:
        DBOS.destroy()
