"""A real gate over a real journal in a temporary folder, the shipped rules, and a shelf that can be made to fail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from steersman.domain.call import Call, Grant
from steersman.domain.environment import Principal
from steersman.domain.errors import SteersmanError
from steersman.domain.event import RunPlanned
from steersman.domain.ids import OperationName, PrincipalId, RunId, StepId
from steersman.domain.operation import Operation
from steersman.domain.plan import Plan
from steersman.domain.ports import CallContext, Handler
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import Policy, load
from steersman.testing.clock import FakeClock
from steersman.testing.plans import ENVIRONMENT, initial_values
from steersman.testing.shelf import Shelf

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


@asynccontextmanager
async def bench(
    folder: Path, *, rules: Policy = POLICY, mode: str = "review", start: dict[str, int] | None = None
) -> AsyncIterator[Bench]:
    clock, shelf = FakeClock(), FailingShelf(start=start or {})
    people = {each.id: each for each in (MIN, KIM, EVE)}
    async with SqliteJournal.open(folder / "journal.db", KEYS, clock) as journal:
        needs = Needs(
            toolsets=(shelf,),
            journal=journal,
            keyring=KEYS,
            rules=rules,
            directory=people.get,
            clock=clock,
            redactor=Redactor(),
            settings=Settings(mode=mode),  # type: ignore[arg-type]
        )
        desk = ApprovalDesk(journal, KEYS, rules, people.get, clock)
        yield Bench(Gate(needs), journal, shelf, desk, clock, people)
