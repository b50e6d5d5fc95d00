"""Plans over any toolset through the real gate and the real engine, with people who approve."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from steersman.agents.planning import PlanningDeps, observe
from steersman.app.store import CLOCK
from steersman.domain.environment import Principal
from steersman.domain.event import FINAL
from steersman.domain.fact import JsonObject
from steersman.domain.finding import Verdict
from steersman.domain.ids import ConditionId, OperationName, PrincipalId, RunId, StepId
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Check, Condition, Hold, Plan, Predicate, Provenance, Step, Threshold
from steersman.domain.ports import CallContext, Toolset
from steersman.domain.run import Run
from steersman.domain.signal import Selector, Series
from steersman.engines.local import Deps, LocalEngine, Settings
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs
from steersman.gate.gate import Settings as GateSettings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.judgement.judge import judge
from steersman.planning.compile import observations
from steersman.planning.simulation import concrete
from steersman.planning.world import World
from steersman.policy.engine import load

NUMBERS = count()
PEOPLE = {
    PrincipalId(name): Principal(id=PrincipalId(name), kind="human", roles=frozenset({"operator", "approver", "admin"}))
    for name in ("local:min", "local:kim", "local:lee")
}
REQUESTER = PEOPLE[PrincipalId("local:min")]
APPROVERS = [person for person in PEOPLE.values() if person != REQUESTER]
PARKED = FINAL | {"paused", "needs_human"}
ERRORS = Condition(
    id=ConditionId("errors"),
    signal="error_rate",
    selector=Selector(service="shop"),
    test=Threshold(op=">", value=0.05),
    window_s=5,
    point_s=0.05,
    min_points=3,
)
INVERSE_BACKOFF_S = 0.05
"""Shorter than a user's, so that 500 cases end; nothing is measured behind it."""


class Bad:
    """Telemetry of a service that fails every third request."""

    async def range(self, signal, selector, window):
        """300 of 1,000 requests failed, in every point."""
        start, end, step_s = window.start.timestamp(), window.end.timestamp(), window.step_s
        times = tuple(start + n * step_s for n in range(int((end - start) / step_s)))
        return Series(
            signal=signal, selector=selector, times=times, values=(0.3,) * len(times), counts=(1_000.0,) * len(times)
        )


@dataclass(slots=True)
class Crew:
    """A gate and an engine over one toolset."""

    gate: Gate
    engine: LocalEngine
    desk: ApprovalDesk
    verdict_at: float | None = None
    """When the judge first said `fail`, on the monotonic clock."""

    async def plan(self, toolset: Toolset, steps: Sequence[Step], *, conditions: Sequence[Condition] = ()) -> Plan:
        """A plan of these steps, observed through the gate as the planner observes."""
        where = await toolset.environment()
        world = World(where, self.gate.catalogue, {}, lambda _: False)
        deps = PlanningDeps(self.gate, world, CLOCK, REQUESTER, RunId("look"), route="cli")
        probes = [probe for step in steps if (probe := probe_of(self.gate.operation(step.operation), step))]
        facts = await observe(probes, deps)
        return Plan(
            goal="a bad change",
            environment=where,
            phases=("deploy",),
            steps=tuple(steps),
            conditions=tuple(conditions),
            observations=observations(steps, (), facts, world),
            provenance=Provenance(planner="file", made_at=CLOCK.now()),
        )

    async def run(self, plan: Plan, run_id: RunId) -> Run:
        """The run when it can go no further, with every approval given."""
        while True:
            run = await self.engine.run(plan, run_id)
            if run.state in PARKED:
                return run
            await self._approve(run)

    async def _approve(self, run: Run) -> None:
        for approval_id in run.approvals:
            for person in APPROVERS:
                if (await self.engine.deps.journal.approval(approval_id)).state == "open":
                    await self.desk.vote(approval_id, person, "approve")


@dataclass(slots=True)
class Loop:
    """What all crews share."""

    journal: SqliteJournal
    keyring: Keyring
    numbers: count[int] = field(default_factory=count)

    def crew(self, toolset: Toolset) -> Crew:
        """A gate and an engine over a toolset."""
        rules = load()
        needs = Needs(
            toolsets=(toolset,),
            journal=self.journal,
            keyring=self.keyring,
            rules=rules,
            directory=PEOPLE.get,
            clock=CLOCK,
            redactor=Redactor(),
            settings=GateSettings(mode="autonomous"),
        )
        gate = Gate(needs)

        def judged(condition, series, baseline, at) -> Verdict:
            verdict = judge(condition, series, baseline, at)
            if verdict.result == "fail" and crew.verdict_at is None:
                crew.verdict_at = CLOCK.monotonic()
            return verdict

        settings = Settings(inverse_backoff_s=INVERSE_BACKOFF_S)
        deps = Deps(gate, gate, self.journal, lambda _: Bad(), judged, CLOCK, gate.operation, settings)
        desk = ApprovalDesk(self.journal, self.keyring, rules, PEOPLE.get, CLOCK)
        crew = Crew(gate, LocalEngine(deps, REQUESTER), desk)
        return crew

    def run_id(self) -> RunId:
        """A new one."""
        return RunId(f"run-{next(self.numbers)}")


@asynccontextmanager
async def looped() -> AsyncIterator[Loop]:
    """A journal of its own for a benchmark."""
    import scipy.stats  # noqa: F401  # what the judge needs stands there before the first run begins

    keyring = Keyring.generate()
    with tempfile.TemporaryDirectory() as folder:
        async with SqliteJournal.open(Path(folder) / "journal.db", keyring, CLOCK) as journal:
            yield Loop(journal, keyring)


def step_of(operation: Operation, arguments: JsonObject, *, name: str = "change", needs: Sequence[str] = ()) -> Step:
    """A step as the planner makes it: with its inverse, and with the operation's own time."""
    return Step(
        id=StepId(name),
        phase="deploy",
        operation=operation.name,
        version=operation.version,
        arguments=arguments,
        needs=tuple(map(StepId, needs)),
        inverse=concrete(operation.inverse, arguments) if operation.inverse else None,
        timeout_s=operation.timeout_s,
    )


def held(step: Step) -> Step:
    """The step, watched for errors, of which there are many."""
    return step.model_copy(update={"hold": Hold(conditions=(ERRORS.id,), for_s=20, max_s=30)})


def failing(probe: Invocation, needs: Sequence[str]) -> Step:
    """A look at what is there whose claim never holds: the later step that fails."""
    never = Check(call=probe, expect=(Predicate(path="/no-such-field", op="exists"),))
    return Step(
        id=StepId("look"),
        phase="deploy",
        operation=probe.operation,
        arguments=probe.arguments,
        needs=tuple(map(StepId, needs)),
        postconditions=(never,),
    )


def probe_of(operation: Operation, step: Step) -> Invocation | None:
    """The look at what a step changes."""
    if operation.effect == "read" or operation.probe is None:
        return None
    return concrete(operation.probe, step.arguments)


async def prepare(toolset: Toolset, calls: Sequence[tuple[str, JsonObject]]) -> JsonObject:
    """Makes calls as the gate does, for what must be there before; gives the last answer."""
    known = {binding.operation.name: binding for binding in toolset.bindings()}
    answer: JsonObject = {}
    for name, arguments in calls:
        binding = known[OperationName(name)]
        deadline = datetime.now(UTC) + timedelta(seconds=binding.operation.timeout_s)
        key = f"prepare/{next(NUMBERS)}/do"
        answer = await asyncio.wait_for(binding.run(arguments, CallContext(key=key, deadline=deadline)), 60)
    return answer


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted values, the nearest rank; 0 of none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0
