"""What a durable step costs here, beside a checkpointed LangGraph node, DBOS on SQLite, and plain asyncio.

Three tables: CPU and wall per step; time of uneven DAGs against their critical path, beside a plain StateGraph; cost
and storage per step as plans grow. All in one process, one after the other: read the ratios.

A durable step: what LangGraph and DBOS promise is one record of the result after the step. A read step does that. A
write step has its intent durable before it as well, and its state read back before and after. "engine and journal"
leaves out the gate's guards (policy, approval, probes); the difference to "through the gate" is what they cost.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from orchestration_rivals import dbos_costs, langgraph, plain, rival
from orchestration_runs import (
    OPERATOR,
    RUN,
    Cost,
    best,
    chain,
    critical_path_s,
    gate_on,
    layers,
    measured,
    steersman,
    uneven,
)
from steersman.app.store import CLOCK
from steersman.domain.event import CallIntended, VerdictGiven
from steersman.domain.finding import Verdict
from steersman.domain.signal import Series
from steersman.engines.local import Deps, LocalEngine
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.testing.benchmark import header, report, table
from steersman.testing.plans import initial_values, make
from steersman.testing.shelf import Shelf

LANGGRAPH_SHARE = 0.5
DBOS_SHARE = 0.2
MAKESPAN = 1.03
REACTION_S = 2.0
FLAT = 1.25
"""Cost and storage per step of the largest plan against one tenth of it."""


async def per_step(folder: Path, size: int, tries: int) -> dict[str, dict[str, Cost]]:
    """CPU and wall per step of everybody but DBOS, in a chain and in rows of ten."""
    figures: dict[str, dict[str, Cost]] = {}
    await steersman(chain(3, "create"), fresh(folder), gated=True)  # imports are not steps
    for shape, width in (("chain", 1), ("rows", 10)):
        shaped = chain if width == 1 else layers
        read, write = shaped(size, "get"), shaped(size, "create")
        runs: dict[str, Callable[[], Awaitable[Cost]]] = {
            "asyncio, nothing durable": lambda read=read: plain(read, {}),
            "LangGraph node, AsyncSqliteSaver": lambda read=read: langgraph(read, fresh(folder)),
            "engine and journal, read step": lambda read=read: steersman(read, fresh(folder), gated=False),
            "engine and journal, write step": lambda write=write: steersman(write, fresh(folder), gated=False),
            "through the gate, read step": lambda read=read: steersman(read, fresh(folder), gated=True),
            "through the gate, write step": lambda write=write: steersman(write, fresh(folder), gated=True),
        }
        figures[shape] = {name: await best(tries, run) for name, run in runs.items()}
    return figures


def show(figures: dict[str, dict[str, Cost]], size: int) -> None:
    rows = [
        [name, *(f"{cost:.2f}" for shape in figures.values() for cost in (shape[name].cpu_ms, shape[name].wall_ms))]
        for name in figures["chain"]
    ]
    print(f"\nPer step, plans of {size} steps: CPU and wall in ms, in a chain and in rows of ten")
    table(["", "chain CPU", "wall", "rows CPU", "wall"], rows)


def fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


async def makespans(folder: Path, count: int) -> list[list[float]]:
    """For each DAG: critical path, and the time of each way over it."""
    found = []
    for seed in range(count):
        plan, delays = uneven(seed)
        path_s = critical_path_s(plan, delays)
        ours = await steersman(plan, fresh(folder), gated=False, delays=delays)
        gated = await steersman(plan, fresh(folder), gated=True, delays=delays)
        theirs = await measured(1, lambda plan=plan, delays=delays: rival(plan, delays, None).ainvoke({"x": 0}))
        bare = await plain(plan, delays)
        size = len(plan.steps)
        spans = [ours.wall_ms * size, gated.wall_ms * size, theirs.wall_ms, bare.wall_ms * size]
        found.append([path_s, *(span / 1e3 / path_s for span in spans)])
    return found


class Unhappy:
    """A source that answers and a judge that says fail."""

    async def range(self, signal, selector, window):
        """An empty series."""
        del window
        return Series(signal=signal, selector=selector, times=(), values=())

    def judge(self, condition, series, baseline, at):
        """Fail."""
        del condition, series, baseline
        return Verdict(result="fail", reason="bad", at=at)


async def reaction_s(folder: Path) -> float:
    """From the verdict that a condition is breached to the intent of the first inverse."""
    plan, unhappy = make("with_holds", seed=2, size=3), Unhappy()
    async with SqliteJournal.open(folder / "journal.db", Keyring.generate(), CLOCK) as journal:
        gate = gate_on(journal, Shelf(initial_values(plan)))
        deps = Deps(gate, gate, journal, lambda _: unhappy, unhappy.judge, CLOCK, gate.operation)
        run = await LocalEngine(deps, OPERATOR, folder / "checkpoints.db").run(plan, RUN)
        assert run.state == "rolled_back", run.reason
        entries = await journal.read(RUN)
    verdict = next(entry.at for entry in entries if isinstance(entry.event, VerdictGiven))
    inverse = next(e.at for e in entries if isinstance(e.event, CallIntended) and e.event.direction == "undo")
    return (inverse - verdict).total_seconds()


async def reactions(folder: Path, count: int) -> float:
    """The 95th percentile."""
    found = sorted([await reaction_s(fresh(folder)) for _ in range(count)])
    return found[int(0.95 * (len(found) - 1))]


async def growth(folder: Path, sizes: list[int], tries: int) -> list[list[float]]:
    """CPU and storage per step of plans of these sizes, through the gate; what a run costs at all is taken off."""
    rows = []
    empty = await sized(folder, 1, tries)
    for size in sizes:
        cpu_ms, size_kib = await sized(folder, size, tries)
        rows.append([size, (cpu_ms * size - empty[0]) / (size - 1), (size_kib * size - empty[1]) / (size - 1)])
    return rows


async def sized(folder: Path, size: int, tries: int) -> tuple[float, float]:
    found = []
    for _ in range(tries):
        home = fresh(folder)
        cost = await steersman(layers(size, "create"), home, gated=True)
        found.append((cost.cpu_ms, sum(each.stat().st_size for each in home.iterdir()) / 1024 / size))
        shutil.rmtree(home)
    return min(found)


def measure(folder: Path, *, quick: bool) -> tuple[dict[str, object], list[str]]:
    size, tries = (100, 1) if quick else (300, 3)
    figures = asyncio.run(per_step(folder, size, tries))
    for shape, cost in dbos_costs(folder, size, tries).items():
        figures[shape]["DBOS step, SQLite"] = cost
    show(figures, size)
    spans = asyncio.run(makespans(folder, 2 if quick else 8))
    print("\nTime / critical path of uneven DAGs of 30 steps")
    names = ["critical path s", "engine and journal", "through the gate", "StateGraph", "asyncio"]
    table(names, [[f"{value:.3f}" for value in row] for row in spans])
    grown = asyncio.run(growth(folder, [10, 100, 300] if quick else [10, 100, 1_000, 3_000], tries))
    print("\nPer step as plans grow (rows of ten, through the gate)")
    table(["steps", "CPU ms", "KiB"], [[row[0], f"{row[1]:.2f}", f"{row[2]:.2f}"] for row in grown])
    reaction = asyncio.run(reactions(folder, 5 if quick else 40))
    print(f"\nFrom verdict to first inverse: p95 {reaction:.3f} s")
    found, missed = judged(figures, spans, grown)
    found["verdict_to_inverse_p95_s"] = round(reaction, 3)
    return found, missed + (
        [f"verdict to inverse {reaction:.1f} s, bound {REACTION_S}"] if reaction > REACTION_S else []
    )


def judged(figures, spans, grown) -> tuple[dict[str, object], list[str]]:
    ours, node, dbos = "engine and journal, read step", "LangGraph node, AsyncSqliteSaver", "DBOS step, SQLite"
    found: dict[str, object] = {}
    missed = []
    for shape, costs in figures.items():
        found[f"cpu_ms_{shape}"] = {name: round(cost.cpu_ms, 3) for name, cost in costs.items()}
        for rival_name, share in ((node, LANGGRAPH_SHARE), (dbos, DBOS_SHARE)):
            if rival_name in costs:
                ratio = costs[ours].cpu_ms / costs[rival_name].cpu_ms
                found[f"cpu_ratio_{shape}_to_{rival_name.split()[0].lower()}"] = round(ratio, 3)
                if ratio > share:
                    missed.append(f"{shape}: {ratio:.2f} of {rival_name}, aim {share}")
        guards = costs["through the gate, write step"].cpu_ms - costs["engine and journal, write step"].cpu_ms
        found[f"gate_cpu_ms_{shape}"] = round(guards, 3)
    found["makespan_ratio"] = round(median(row[1] for row in spans), 4)
    found["makespan_ratio_with_gate"] = round(median(row[2] for row in spans), 4)
    found["makespan_ratio_stategraph"] = round(median(row[3] for row in spans), 4)
    if found["makespan_ratio"] > MAKESPAN:
        missed.append(f"makespan {found['makespan_ratio']} of the critical path, aim {MAKESPAN}")
    small, large = grown[-2], grown[-1]
    found["growth"] = [[round(value, 3) for value in row] for row in grown]
    for name, column in (("CPU", 1), ("storage", 2)):
        if large[column] > small[column] * FLAT:
            missed.append(f"{name} per step grows from {small[column]:.2f} to {large[column]:.2f}")
    return found, missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    header("Orchestration: what a durable step costs")
    with tempfile.TemporaryDirectory() as folder:
        figures, missed = measure(Path(folder), quick=arguments.quick)
    rows = [[name, value] for name, value in figures.items() if isinstance(value, float)]
    print()
    for miss in missed:
        print(f"missed: {miss}")
    return report(["figure", ""], rows, {**figures, "missed": missed}, passed=not missed, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
