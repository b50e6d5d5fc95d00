"""A real gate over a real journal in a temporary folder, the shipped rules, and a shelf that can be made to fail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from steersman.domain.call import Call, Grant
from steersman.domain.environment import Principal
from steersman.domain.errors import SteersmanError
from steersman.domain.event import CallSettled, RunPlanned
from steersman.domain.expression import substitute
from steersman.domain.ids import OperationName, PrincipalId, RunId, StepId
from steersman.domain.operation import Operation
from steersman.domain.plan import Budget, Plan, Provenance, Step
from steersman.domain.ports import CallContext, Handler, Toolset
from steersman.gate.critic import Critic
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import Policy, load
from steersman.testing.clock import NOON, FakeClock
from steersman.testing.plans import ENVIRONMENT, initial_values
from steersman.testing.shelf import Shelf
from steersman.testing.toolset import ENVIRONMENT as STORE
from steersman.testing.toolset import Store

RUN = RunId("run-1")
KEYS = Keyring.generate()
POLICY = load()


def person(name: str, *roles: str) -> Principal:
    return Principal(id=PrincipalId(name), kind="human", roles=frozenset(roles))


MIN = person("local:min", "operator", "approver")
KIM = person("local:kim", "approver")
EVE = person("local:eve", "viewer")


@dataclass
class FailingShelf(Shelf):
    """`before` fails the call without effect, `after` once the effect is there; each entry once, by operation."""

    start: dict[str, int] = field(default_factory=dict)
    before: dict[str, list[BaseException]] = field(default_factory=dict)
    after: dict[str, list[BaseException]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.start)

    def _handler(self, operation: Operation) -> Handler:
        inner = super()._handler(operation)

        async def run(arguments, context: CallContext):
            for failures, first in ((self.before, True), (self.after, False)):
                waiting = failures.get(operation.name, [])
                if waiting and first:
                    raise waiting.pop(0)
                if waiting:
                    await inner(arguments, context)
                    raise waiting.pop(0)
            return await inner(arguments, context)

        return run


@dataclass
class Bench:
    gate: Gate
    journal: SqliteJournal
    shelf: FailingShelf
    store: Store
    desk: ApprovalDesk
    clock: FakeClock
    people: dict[str, Principal]

    async def planned(self, plan: Plan, run_id: RunId = RUN, requester: Principal = MIN) -> None:
        self.shelf.values.update(initial_values(plan))
        await self.journal.append(run_id, RunPlanned(plan=plan, requester=requester))

    async def approved(self, plan: Plan, run_id: RunId = RUN, by: Principal = MIN) -> Grant:
        try:
            return await self.gate.authorise(plan, run_id, MIN)
        except SteersmanError as e:
            await self.desk.vote(e.approval_id, by, "approve")
        return await self.gate.authorise(plan, run_id, MIN)

    async def stored(self, *steps: Step, run_id: RunId = RUN, budget: Budget | None = None) -> Grant:
        """A run of these steps on the store, approved."""
        plan = store_plan(*steps, budget=budget)
        await self.journal.append(run_id, RunPlanned(plan=plan, requester=MIN))
        return await self.approved(plan, run_id)

    async def events(self, run_id: RunId = RUN) -> list:
        return [entry.event for entry in await self.journal.read(run_id)]


def call(operation: str, grant: Grant | None = None, *, step: str = "s1", **more) -> Call:
    base = {
        "operation": OperationName(operation),
        "environment": ENVIRONMENT,
        "principal": MIN,
        "route": "plan" if grant else "cli",
        "run_id": RUN,
        "step_id": StepId(step),
        "grant": grant,
    }
    return Call(**{**base, **more})


def step(name: str, verb: str, arguments: dict, **more) -> Step:
    """A step on the store, with the inverse that its operation declares."""
    operation = next(b.operation for b in Store().bindings() if b.operation.name == f"store.{verb}")
    inverse = operation.inverse
    if inverse is not None:
        inverse = inverse.model_copy(update={"arguments": substitute(inverse.arguments, arguments)})
    return Step(id=StepId(name), phase="deploy", operation=operation.name, arguments=arguments, inverse=inverse, **more)


def store_plan(*steps: Step, budget: Budget | None = None) -> Plan:
    made = Provenance(planner="file", made_at=NOON)
    return Plan(goal="store", environment=STORE, steps=steps, budget=budget or Budget(), provenance=made)


def forward(step: Step, grant: Grant, **more) -> Call:
    base = {"step": step.id, "arguments": step.arguments, "environment": STORE, "version": step.version}
    return call(step.operation, grant, **{**base, **more})


def backward(step: Step, grant: Grant, arguments: dict, **more) -> Call:
    return call(
        step.inverse.operation,
        grant,
        step=step.id,
        arguments=arguments,
        environment=STORE,
        route="undo",
        direction="undo",
        **more,
    )


def results(events: list) -> list[str]:
    return [e.result for e in events if isinstance(e, CallSettled)]


@asynccontextmanager
async def bench(
    folder: Path,
    *,
    rules: Policy = POLICY,
    mode: str = "review",
    start: dict[str, int] | None = None,
    more: tuple[Toolset, ...] = (),
    critic: Critic | None = None,
) -> AsyncIterator[Bench]:
    clock, shelf, store = FakeClock(), FailingShelf(start=start or {}), Store(state={"a": ("old",)})
    people = {each.id: each for each in (MIN, KIM, EVE)}
    async with SqliteJournal.open(folder / "journal.db", KEYS, clock) as journal:
        needs = Needs(
            toolsets=(shelf, store, *more),
            journal=journal,
            keyring=KEYS,
            rules=rules,
            directory=people.get,
            clock=clock,
            redactor=Redactor(),
            settings=Settings(mode=mode),  # type: ignore[arg-type]
            critic=critic,
        )
        desk = ApprovalDesk(journal, KEYS, rules, people.get, clock)
        yield Bench(Gate(needs), journal, shelf, store, desk, clock, people)
