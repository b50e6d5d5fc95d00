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
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from steersman.app.store import CLOCK
from steersman.domain.call import Call, Grant, Outcome
from steersman.domain.environment import Principal
from steersman.domain.event import CallIntended, CallSettled, VerdictGiven
from steersman.domain.fact import JsonObject
from steersman.domain.finding import Verdict
from steersman.domain.ids import OperationName, PrincipalId, RunId, StepId
from steersman.domain.plan import Budget, Plan, Provenance, Step
from steersman.domain.ports import CallContext
from steersman.domain.signal import Series
from steersman.engines.local import Deps, LocalEngine
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import load
from steersman.testing.benchmark import header, report, table
from steersman.testing.plans import MADE_AT, initial_values, make
from steersman.testing.shelf import ENVIRONMENT, OPERATIONS, Shelf

OPERATOR = Principal(id=PrincipalId("local:min"), kind="human", roles=frozenset({"operator", "approver"}))
RUN = RunId("run")
LANGGRAPH_SHARE = 0.5
DBOS_SHARE = 0.2
MAKESPAN = 1.03
REACTION_S = 2.0
FLAT = 1.25
"""Cost and storage per step of the largest plan against one tenth of it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one step."""

    cpu_ms: float
    wall_ms: float


async def measured(steps: int, work: Callable[[], Awaitable[object]]) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    await work()
    return Cost((time.process_time() - cpu) / steps * 1e3, (time.perf_counter() - wall) / steps * 1e3)


async def best(tries: int, run: Callable[[], Awaitable[Cost]]) -> Cost:
    """The try with the least CPU: others on this machine only add."""
    return min([await run() for _ in range(tries)], key=lambda cost: cost.cpu_ms)


def chain(size: int, verb: str) -> Plan:
    return plan_of({f"s{i}": (f"s{i - 1}",) if i else () for i in range(size)}, verb)


def layers(size: int, verb: str, width: int = 10) -> Plan:
    """Steps in rows of ten, each after one of the former row: what a plan with parallel branches is like."""
    return plan_of({f"s{i}": (f"s{i - width}",) if i >= width else () for i in range(size)}, verb)


def plan_of(needs: dict[str, tuple[str, ...]], verb: str) -> Plan:
    def arguments(number: int) -> JsonObject:
        return {"name": "base"} if verb == "get" else {"name": f"n{number}", "value": number}

    return Plan(
        goal="measure",
        environment=ENVIRONMENT,
        phases=("deploy",),
        steps=tuple(
            Step(
                id=StepId(name),
                phase="deploy",
                operation=OperationName(f"shelf.{verb}"),
                arguments=arguments(number),
                needs=tuple(StepId(need) for need in before),
                inverse=None,
            )
            for number, (name, before) in enumerate(needs.items())
        ),
        budget=Budget(calls=1_000_000, seconds=1e6),
        provenance=Provenance(planner="file", made_at=MADE_AT),
    )


@dataclass(slots=True)
class Ungated:
    """Intent and outcome in the journal, and no guard: what the engine costs by itself."""

    journal: SqliteJournal
    shelf: Shelf

    async def authorise(self, plan: Plan, run_id: RunId, requester: Principal) -> Grant:
        """Always."""
        return Grant(run_id=run_id, plan_digest=plan.digest(), requester=requester, planner="file")

    async def settle(self, *_: object) -> None:
        """Nothing is ever open here."""

    async def call(self, call: Call) -> Outcome:
        """Journals and does it."""
        operation, now = OPERATIONS[call.operation], CLOCK.now()
        handler = next(b.run for b in self.shelf.bindings() if b.operation.name == call.operation)
        about = {"step_id": call.step_id, "direction": call.direction, "attempt": 1, "operation": call.operation}
        before: JsonObject | None = None
        if operation.effect != "read":
            before = {"exists": False}
            more = {"resource": operation.target(call.arguments), "arguments": call.arguments, "key": call.key}
            state = {"before": before, "expected": operation.expected(call.arguments, before)}
            intent = CallIntended.model_validate({**about, **more, **state, "version": 1, "deadline": now})
            await self.journal.intend(call.run_id, intent, None)
        output = await handler(call.arguments, CallContext(key=call.key, deadline=now))
        settled = {**about, "result": "done", "output": output, "before": before, "after": before and output}
        await self.journal.append(call.run_id, CallSettled.model_validate(settled))
        return Outcome(output=output, before=before, after=before and output, started_at=now, finished_at=now)


def gate_on(journal: SqliteJournal, shelf: Shelf) -> Gate:
    return Gate(
        Needs(
            toolsets=(shelf,),
            journal=journal,
            keyring=Keyring.generate(),
            rules=load(),
            directory={OPERATOR.id: OPERATOR}.get,
            clock=CLOCK,
            redactor=Redactor(),
            settings=Settings(mode="autonomous", parallel_calls=64),
        )
    )


async def steersman(plan: Plan, folder: Path, *, gated: bool, delays: dict[str, float] | None = None) -> Cost:
    """Runs a plan on the product; leaves its files in the folder."""
    shelf = Slow({"base": 0}, delays or {})
    async with SqliteJournal.open(folder / "journal.db", Keyring.generate(), CLOCK) as journal:
        gate = gate_on(journal, shelf)
        way = gate if gated else Ungated(journal, shelf)
        deps = Deps(way, way, journal, lambda _: None, None, CLOCK, gate.operation)
        engine = LocalEngine(deps, OPERATOR, folder / "checkpoints.db")

        async def run() -> None:
            run = await engine.run(plan, RUN)
            assert run.state == "done", run.reason

        return await measured(len(plan.steps), run)


class Slow(Shelf):
    """A shelf whose writes take as long as the step is said to take."""

    def __init__(self, values: dict[str, int], delays: dict[str, float]) -> None:
        super().__init__(values)
        self.delays = delays

    def _handler(self, operation):
        inner = super()._handler(operation)

        async def run(arguments, context):
            if operation.effect != "read" and self.delays:
                await asyncio.sleep(self.delays[context.key.rsplit("/", 2)[1]])
            return await inner(arguments, context)

        return run


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


def uneven(seed: int) -> tuple[Plan, dict[str, float]]:
    """A random DAG of 30 steps that take 0.05 to 1 s, most of them short."""
    rng = random.Random(seed)
    needs: dict[str, tuple[str, ...]] = {}
    for number in range(30):
        earlier = list(needs)
        needs[f"s{number}"] = tuple(rng.sample(earlier, k=min(len(earlier), rng.randrange(4))))
    return plan_of(needs, "create"), {name: 0.05 + 0.95 * rng.random() ** 3 for name in needs}


def critical_path_s(plan: Plan, delays: dict[str, float]) -> float:
    ends: dict[str, float] = {}
    for step in plan.steps:
        ends[step.id] = max((ends[need] for need in step.needs), default=0.0) + delays[step.id]
    return max(ends.values())


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
