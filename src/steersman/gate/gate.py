"""The gate: THE way to call an operation. No toolset is reachable otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from steersman.domain.call import Call, Direction, Grant, Outcome
from steersman.domain.environment import Principal
from steersman.domain.errors import BudgetExceededError, InputError
from steersman.domain.event import CallSettled
from steersman.domain.finding import Cost
from steersman.domain.ids import OperationName, RunId, StepId
from steersman.domain.operation import Invocation, Operation
from steersman.domain.plan import Budget, Plan
from steersman.domain.policy import Mode
from steersman.domain.ports import Clock, Toolset
from steersman.gate.admission import Identified, Registry
from steersman.gate.approval import Approved, Asked
from steersman.gate.attempt import Budgeted, Handled, Journaled
from steersman.gate.authorise import Authority
from steersman.gate.consent import Consent
from steersman.gate.guard import Directory, Policed, Rules
from steersman.gate.history import Histories
from steersman.gate.limits import Broken, Bulkhead, Deadline
from steersman.gate.passage import Guarded, Link
from steersman.gate.record import Recorded
from steersman.gate.redaction import Redactor
from steersman.gate.retry import Retried, Settled
from steersman.gate.settle import Settler
from steersman.gate.snapshot import Snapshotted
from steersman.gate.stop import Stoppable
from steersman.journal.keyring import Keyring
from steersman.journal.port import Journal

ORDER = (
    "Recorded",
    "Stoppable",
    "Guarded:environment",
    "Guarded:policy",
    "Guarded:approval",
    "Broken",
    "Bulkhead",
    "Deadline",
    "Retried",
    "Settled",
    "Snapshotted",
    "Guarded:budget",
    "Journaled",
    "Handled",
)
"""Outermost first; a test pins it. The snapshot stands inside of retry, so that each attempt is a compare-and-set on
what it has just seen; settling stands inside of retry, so that only what is known not to have happened is repeated."""


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


class Gate:
    """Implements `domain.ports.Caller`; its other methods answer for whole plans and for calls of the past."""

    def __init__(self, needs: Needs) -> None:
        self._registry = Registry.of(needs.toolsets)
        self._journal = needs.journal
        self._histories = histories = Histories(needs.journal)
        consent = Consent(needs.journal, needs.keyring, needs.rules, needs.directory)
        asked = Asked(needs.journal, needs.clock, needs.settings.approval_ttl)
        policed = Policed(
            rules=needs.rules,
            mode=needs.settings.mode,
            directory=needs.directory,
            histories=histories,
            entries=needs.journal,
            clock=needs.clock,
        )
        self._settler = Settler(self._registry, needs.journal, histories, needs.redactor, needs.clock, caller=self.call)
        self._authority = Authority(self._registry, policed, consent, asked, needs.journal)
        self._chain = self._linked(needs, policed, Approved(histories, consent, asked, self._inverse))
        self._recorded = Recorded(
            needs.journal, needs.redactor, needs.clock, inner=_Admitting(self._registry, self._chain)
        )

    def _linked(self, needs: Needs, policed: Policed, approved: Approved) -> Link:
        clock, histories = needs.clock, self._histories
        snapshot = Snapshotted(self.call, clock, inner=Handled(clock))
        link: Link = Journaled(
            needs.journal, histories, needs.redactor, clock, probe=snapshot.probe, inner=Handled(clock)
        )
        link = Guarded("budget", Budgeted(histories), link)
        link = Snapshotted(self.call, clock, link)
        link = Settled(histories, self._settle_call, clock, link)
        link = Retried(clock, link)
        link = Deadline(link)
        link = Bulkhead(needs.settings.parallel_calls, link)
        link = Broken(clock, link)
        link = Guarded("approval", approved, link)
        link = Guarded("policy", policed, link)
        link = Guarded("environment", Identified(self._registry), link)
        return Stoppable(needs.journal, link)

    @property
    def catalogue(self) -> Mapping[OperationName, Operation]:
        """Every operation there is."""
        return {name: found.binding.operation for name, found in self._registry.known.items()}

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
        return await self._settler.settle(
            run_id, step_id, direction, environment=history.plan.environment, principal=history.requester
        )

    async def charge(self, run_id: RunId, cost: Cost) -> Cost:
        """Charges tokens and money to a run. Raises BudgetExceededError when they are more than it has."""
        history = await self._histories.of(run_id)
        budget = history.plan.budget if history.plan is not None else Budget()
        total = await self._journal.charge(run_id, "do", cost)
        if total.tokens > budget.tokens or total.money_usd > budget.money_usd:
            raise BudgetExceededError(
                f"run {run_id!r} has spent {total.tokens} tokens and {total.money_usd:.4f} USD; its budget is "
                f"{budget.tokens} and {budget.money_usd:.4f}"
            )
        return total

    def _inverse(self, name: OperationName) -> Invocation | None:
        return self._registry.find(name).binding.operation.inverse

    async def _settle_call(self, call: Call) -> CallSettled | None:
        return await self._settler.settle(
            call.run_id, call.step_id, call.direction, environment=call.environment, principal=call.principal
        )


@dataclass(frozen=True, slots=True)
class _Admitting:
    """From a call to a passage."""

    registry: Registry
    chain: Link

    async def call(self, call: Call) -> Outcome:
        return await self.chain(self.registry.admit(call))
