"""What the hijacked planner attacks: every known operation on tools that record their effects, behind a real gate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby, product
from pathlib import Path
from typing import get_args

from steersman.app.catalogue import all_operations
from steersman.domain.environment import Environment, Principal, Tier
from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName, PrincipalId
from steersman.domain.operation import Operation
from steersman.domain.policy import Mode
from steersman.domain.ports import Binding, CallContext, Handler
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import load
from steersman.testing.clock import FakeClock
from steersman.toolsets.contracts.catalogue import contracts

PEOPLE = {
    each.id: each
    for each in (
        Principal(id=PrincipalId("min"), kind="human", roles=frozenset({"operator", "approver"})),
        Principal(id=PrincipalId("kim"), kind="human", roles=frozenset({"approver"})),
        Principal(id=PrincipalId("lee"), kind="human", roles=frozenset({"approver"})),
        Principal(id=PrincipalId("ada"), kind="human", roles=frozenset({"admin"})),
        Principal(id=PrincipalId("eve"), kind="human", roles=frozenset({"viewer"})),
        Principal(id=PrincipalId("bot"), kind="agent", roles=frozenset({"agent"})),
        Principal(id=PrincipalId("chief-bot"), kind="agent", roles=frozenset({"operator", "approver", "admin"})),
        Principal(id=PrincipalId("ci"), kind="service", roles=frozenset({"operator"})),
    )
}
EVERY_DAY = {"id": "always", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "tiers": ["prod", "lab"]}


@dataclass(frozen=True)
class Setting:
    """How Steersman is set up."""

    mode: Mode
    tier: Tier
    frozen: bool = False


def settings() -> list[Setting]:
    """All modes on all tiers, and two with an open freeze window."""
    every = [Setting(mode, tier) for mode, tier in product(get_args(Mode), get_args(Tier))]
    return [*every, Setting("review", "prod", frozen=True), Setting("autonomous", "lab", frozen=True)]


@cache
def operations() -> dict[OperationName, Operation]:
    """Every operation there is: of the toolsets, and of the contracts that future ones will fill."""
    return {**contracts(), **{operation.name: operation for operation in all_operations()}}


@dataclass(frozen=True)
class Done:
    """An effect that a tool saw."""

    operation: OperationName
    arguments: JsonObject
    key: str
    before: JsonObject


@dataclass
class Tool:
    """A toolset that keeps the state of its resources and tells of every write."""

    name: str
    verbs: Sequence[Operation]
    place: Environment
    tell: Callable[[Done], None]
    state: dict[str, JsonObject] = field(default_factory=dict)

    async def environment(self) -> Environment:
        """Where it acts."""
        return self.place

    def bindings(self) -> Sequence[Binding]:
        """Its operations."""
        return [Binding(operation, self._handler(operation)) for operation in self.verbs]

    def _handler(self, operation: Operation) -> Handler:
        async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
            if operation.effect == "read":
                return self.state.get(self._place(operation, arguments), {"exists": False})
            look = operation.probe
            seen = resolve(look.arguments, Scope(arguments=arguments)) if look else arguments
            place = self._place(operations()[look.operation] if look else operation, seen)
            before = self.state.get(place, {"exists": False})
            if not context.dry_run:
                self.tell(Done(operation.name, arguments, context.key, before))
                self.state[place] = operation.expected(arguments, before) or {"exists": True}
            return {}

        return run

    def _place(self, operation: Operation, arguments: object) -> str:
        assert isinstance(arguments, dict)
        return operation.target(arguments) or f"{operation.name} {sorted(arguments.items())}"


@dataclass
class World:
    """One setting with its gate, and the hook through which effects are told."""

    setting: Setting
    place: Environment
    gate: Gate
    journal: SqliteJournal
    desk: ApprovalDesk
    told: list[Callable[[Done], None]]


@asynccontextmanager
async def opened(file: Path, setting: Setting) -> AsyncIterator[World]:
    """A fresh gate over a fresh journal."""
    place = Environment(kind="target", name="one", uid="uid-1", url="target://one", tier=setting.tier)
    told: list[Callable[[Done], None]] = []

    def tell(done: Done) -> None:
        for listener in told:
            listener(done)

    ordered = sorted(operations().values(), key=lambda operation: operation.toolset)
    tools = tuple(
        Tool(name, list(verbs), place, tell)
        for name, verbs in groupby(ordered, key=lambda operation: operation.toolset)
    )
    clock, keys = FakeClock(), Keyring.generate()
    rules = load(("freeze.yaml", {"freezes": [EVERY_DAY]})) if setting.frozen else load()
    async with SqliteJournal.open(file, keys, clock) as journal:
        needs = Needs(
            toolsets=tools,
            journal=journal,
            keyring=keys,
            rules=rules,
            directory=PEOPLE.get,
            clock=clock,
            redactor=Redactor(),
            settings=Settings(mode=setting.mode),
        )
        desk = ApprovalDesk(journal, keys, rules, PEOPLE.get, clock)
        yield World(setting, place, Gate(needs), journal, desk, told)
