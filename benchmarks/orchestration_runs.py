"""Steersman in the orchestration benchmark: its plans, and a run of one with and without the gate."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from steersman.app.store import CLOCK
from steersman.domain.call import Call, Grant, Outcome
from steersman.domain.environment import Principal
from steersman.domain.event import CallIntended, CallSettled
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName, PrincipalId, RunId, StepId
from steersman.domain.plan import Budget, Plan, Provenance, Step
from steersman.domain.ports import CallContext
from steersman.engines.local import Deps, LocalEngine
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import load
from steersman.testing.plans import MADE_AT
from steersman.testing.shelf import ENVIRONMENT, OPERATIONS, Shelf

OPERATOR = Principal(id=PrincipalId("local:min"), kind="human", roles=frozenset({"operator", "approver"}))
RUN = RunId("run")


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
