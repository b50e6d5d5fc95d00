"""The gate: THE way to call an operation. No toolset is reachable otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from steersman.domain.call import Call, Direction, Grant, Outcome
from steersman.domain.environment import Principal
from steersman.domain.errors import InputError
from steersman.domain.event import CallSettled, Event
from steersman.domain.fact import JsonObject
from steersman.domain.finding import Cost
from steersman.domain.ids import OperationName, RunId, StepId
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Budget, Plan
from steersman.domain.policy import Mode
from steersman.domain.ports import Clock, Toolset
from steersman.gate.admission import Admitted, Identified, Registry
from steersman.gate.approval import Approved, Asked
from steersman.gate.attempt import Handled, Journaled
from steersman.gate.authorise import Authority
from steersman.gate.budget import budgeted, charged
from steersman.gate.consent import Consent
from steersman.gate.critic import Critic, Second
from steersman.gate.guard import Directory, Policed, Rules
from steersman.gate.history import Histories, History
from steersman.gate.known import Operations
from steersman.gate.limits import Broken, Bulkhead, Deadline
from steersman.gate.passage import Guarded, Link, Passage
from steersman.gate.record import Recorded
from steersman.gate.redaction import Redactor
from steersman.gate.retry import Retried, Settled
from steersman.gate.settle import Looking, Settler
from steersman.gate.snapshot import Snapshotted
from steersman.gate.stop import Stoppable
from steersman.journal.keyring import Keyring
from steersman.journal.port import Journal

ORDER = (
    "Recorded",
    "Admitted",
    "Stoppable",
    "Guarded:policy",
    "Guarded:approval",
    "Broken",
    "Bulkhead",
    "Deadline",
    "Retried",
    "Settled",
    "Guarded:environment",
    "Snapshotted",
    "Guarded:budget",
    "Journaled",
    "Handled",
)
"""Outermost first; a test pins it.

Identity and snapshot are taken again for each attempt, inside of retry: each is a compare-and-set on what was seen just
now, on a system that said just now which one it is, and both looks are under breaker and deadline. Settling stands
inside of retry, so that only what is known not to have happened is repeated.
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and mode of the gate."""

    mode: Mode = "review"
    approval_ttl: timedelta = timedelta(hours=1)
    parallel_calls: int = 8


@dataclass(frozen=True, slots=True)
class Needs:
    """What the gate is made of."""

    toolsets: tuple[Toolset, ...]
    journal: Journal
    keyring: Keyring
    rules: Rules
    directory: Directory
    clock: Clock
    redactor: Redactor
    settings: Settings
    critic: Critic | None = None
    """A second opinion on changes, which can only be stricter."""


class Gate:
    """Implements `domain.ports.Caller`; its other methods answer for whole plans and for calls of the past."""

    def __init__(self, needs: Needs) -> None:
        needs.redactor.use(needs.keyring.mac("mask", needs.keyring.current, b"marks").encode())
        self._registry = Registry.of(needs.toolsets)
        self._catalogue = Operations(self._registry.known)
        self._journal = needs.journal
        self._histories = histories = Histories(needs.journal)
        consent = Consent(needs.journal, needs.keyring, needs.rules, needs.directory)
        asked = Asked(needs.journal, needs.clock, needs.settings.approval_ttl, needs.redactor)
        policed = Policed(needs.rules, needs.settings.mode, needs.directory, needs.clock, self._second(needs))
        self._settler = Settler(self._registry, needs.journal, histories, needs.redactor, needs.clock)
        self._authority = Authority(self._registry, policed, consent, asked, needs.journal, histories, needs.redactor)
        chain = self._linked(needs, policed, Approved(consent, asked, self._inverse))
        admitted = Admitted(self._registry, histories, needs.redactor, chain)
        self._recorded = Recorded(needs.journal, needs.redactor, needs.clock, admitted)

    def _second(self, needs: Needs) -> Second:
        def masked(name: OperationName, arguments: JsonObject) -> JsonObject:
            return needs.redactor.arguments(self._registry.find(name).binding.operation, arguments)

        return Second(needs.critic, masked)

    def _linked(self, needs: Needs, policed: Policed, approved: Approved) -> Link:
        clock, histories, redactor = needs.clock, self._histories, needs.redactor
        link: Link = Journaled(needs.journal, redactor, clock, self._look, Handled(clock))
        link = Guarded("budget", budgeted, link)
        link = Snapshotted(self._look, redactor, clock, link)
        link = Guarded("environment", Identified(self._registry, clock), link)
        link = Settled(histories, self._settle_within, self._found, clock, link)
        link = Retried(clock, link)
        link = Deadline(histories, link)
        link = Bulkhead(needs.settings.parallel_calls, link)
        link = Broken(clock, link)
        link = Guarded("approval", approved, link)
        link = Guarded("policy", policed, link)
        return Stoppable(needs.journal, link)

    @property
    def catalogue(self) -> Mapping[OperationName, Operation]:
        """Every operation there is."""
        return self._catalogue

    def operation(self, name: OperationName) -> Operation:
        """The registered operation of that name. Raises InputError with the nearest known one."""
        return self._registry.find(name).binding.operation

    async def call(self, call: Call) -> Outcome:
        """Lets the call through all guards and does it. Raises a SteersmanError otherwise."""
        return await self._recorded.call(call)

    async def authorise(self, plan: Plan, run_id: RunId, requester: Principal) -> Grant:
        """See `Authority.authorise`."""
        return await self._authority.authorise(plan, run_id, requester)

    @property
    def authority(self) -> Authority:
        """Policy decisions about plans that nobody runs yet."""
        return self._authority

    async def settle(self, run_id: RunId, step_id: StepId, direction: Direction) -> CallSettled | None:
        """Finds out by read-back what became of an intent without outcome, and journals it."""
        history = await self._histories.of(run_id)
        if history.plan is None or history.requester is None:
            raise InputError(f"run {run_id!r} has no plan in the journal; only the caller can settle its calls")
        look = Looking(history.plan.environment, history.requester, self.call)
        return await self._settler.settle(run_id, step_id, direction, look=look)

    async def charge(self, run_id: RunId, cost: Cost, *, budget: Budget | None = None) -> Cost:
        """Charges tokens and money, as of a model, to a run; gives back the total.

        `budget` counts for runs without a plan. Raises BudgetExceededError when it is more than there is; the run's
        next call is refused then, too.
        """
        history = await self._histories.of(run_id)
        total = await self._journal.charge(run_id, "do", cost)
        charged(history, total, budget)
        return total

    def _inverse(self, name: OperationName) -> Invocation | None:
        return self._registry.find(name).binding.operation.inverse

    async def _look(self, call: Call, notes: list[Event], within: History | None) -> Outcome:
        return await self._recorded.look(call, notes, within)

    async def _settle_within(self, passage: Passage) -> CallSettled | None:
        call = passage.call

        async def ask(question: Call) -> Outcome:
            return await self._look(question, passage.notes, passage.history)

        look = Looking(call.environment, call.principal, ask)
        return await self._settler.settle(call.run_id, call.step_id, call.direction, look=look)

    async def _found(self, passage: Passage) -> CallSettled | None:
        call = passage.call
        return await self._settler.found(call.run_id, call.step_id, call.direction)
