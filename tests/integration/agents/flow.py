"""A flow of sub-graphs in a process of its own, which may be told to die in the middle. Prints its report as JSON."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from steersman.agents.subgraphs import Part, subgraph_supervisor


class State(TypedDict, total=False):
    said: str


def graph(name: str, log: Path, *, die: bool) -> Any:
    async def work(_: State) -> State:
        with log.open("a") as file:
            file.write(f"{name}\n")
            file.flush()
            os.fsync(file.fileno())
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"said": name}

    builder = StateGraph(State)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    builder.add_edge("work", END)
    return builder.compile()


async def main(folder: Path, victim: str) -> None:
    names = {"build": (), "test": ("build",), "lint": ("build",), "deploy": ("test", "lint"), "observe": ("deploy",)}
    parts = [Part(name, graph(name, folder / "log", die=name == victim), needs=needs) for name, needs in names.items()]
    async with AsyncSqliteSaver.from_conn_string(str(folder / "checkpoints.db")) as saver:
        flow = subgraph_supervisor(parts, checkpointer=saver)
        config: Any = {"configurable": {"thread_id": "t"}}
        known = await flow.aget_state(config)
        report = await flow.ainvoke(None if known.next else {}, config, durability="sync")
        sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
