"""A whole gate with people, for the misuse of approvals: real journal, real rules, a store that counts its effects."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from steersman.domain.call import Call, Grant
from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalNeededError
from steersman.domain.event import ApprovalMoved, Refused, RunPlanned
from steersman.domain.expression import substitute
from steersman.domain.ids import ApprovalId, PrincipalId, RunId, StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Plan, Provenance, Step
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.chain import SYSTEM
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import Policy, load
from steersman.testing.clock import FakeClock
from steersman.testing.toolset import ENVIRONMENT, Store

RULES = load()


def person(name: str, *roles: str) -> Principal:
    return Principal(id=PrincipalId(name), kind="human", roles=frozenset(roles))


MIN = person("local:min", "operator", "approver")
KIM = person("local:kim", "approver")
LEE = person("local:lee", "approver")
EVE = person("local:eve", "viewer")


def demanding(count: int, *, others: bool) -> Policy:
    """The shipped rules, and one that wants more for every write."""
    approvals: JsonValue = {"count": count, "roles": ["approver"], "not_requester": others}
    rule: JsonValue = {
        "id": "more",
        "effect": "require_approval",
        "when": 'effect == "write" && route != "undo"',
        "reason": "more is wanted",
        "approvals": approvals,
    }
    return load(("operator.yaml", {"rules": [rule]}))


def write(name: str, items: list[JsonValue], step: str = "s") -> Step:
    arguments: dict[str, JsonValue] = {"name": name, "items": items}
    operation = next(b.operation for b in Store().bindings() if b.operation.name == "store.set")
    assert operation.inverse is not None
    filled = substitute(operation.inverse.arguments, arguments)
    assert isinstance(filled, dict)
    inverse = Invocation(operation=operation.inverse.operation, arguments=filled)
    return Step(id=StepId(step), phase="deploy", operation=operation.name, arguments=arguments, inverse=inverse)


@dataclass
class Bench:
    """One journal with one store and its people."""

    gate: Gate
    journal: SqliteJournal
    store: Store
    desk: ApprovalDesk
    clock: FakeClock
    keyring: Keyring
    people: dict[PrincipalId, Principal]
    path: Path

    def gated(self, rules: Policy = RULES) -> Gate:
        """Another gate on the same journal: another process, or other rules."""
        return Gate(
            Needs(
                toolsets=(self.store,),
                journal=self.journal,
                keyring=self.keyring,
                rules=rules,
                directory=self.people.get,
                clock=self.clock,
                redactor=Redactor(),
                settings=Settings(),
            )
        )

    def plan(self, *steps: Step) -> Plan:
        """A plan of these steps."""
        made = Provenance(planner="file", made_at=self.clock.now())
        return Plan(goal="misuse", environment=ENVIRONMENT, steps=steps, provenance=made)

    async def asked(self, plan: Plan, run_id: RunId) -> ApprovalId:
        """A run whose plan waits for approval."""
        self.store.state.setdefault("a", ("old",))
        await self.journal.append(run_id, RunPlanned(plan=plan, requester=MIN))
        try:
            await self.gate.authorise(plan, run_id, MIN)
        except ApprovalNeededError as e:
            return ApprovalId(e.approval_id)
        raise AssertionError("the plan needed no approval")

    async def approved(self, plan: Plan, run_id: RunId, *by: Principal) -> Grant:
        """A run whose plan was approved."""
        approval_id = await self.asked(plan, run_id)
        for each in by or (KIM,):
            await self.desk.vote(approval_id, each, "approve")
        return await self.gate.authorise(plan, run_id, MIN)

    def forged(self, plan: Plan, run_id: RunId, approval_id: str | None) -> Grant:
        """A grant that nobody gave."""
        return Grant(
            run_id=run_id,
            plan_digest=plan.digest(),
            approval_id=ApprovalId(approval_id) if approval_id is not None else None,
            requester=MIN,
            planner="file",
        )

    async def refusals(self, *run_ids: RunId) -> int:
        """Refusals in the journal, of these runs and of none."""
        found = 0
        for run_id in {*run_ids, SYSTEM}:
            for entry in await self.journal.read(run_id):
                event = entry.event
                found += isinstance(event, Refused) or (isinstance(event, ApprovalMoved) and event.what == "refused")
        return found


def call(step: Step, run_id: RunId, grant: Grant | None, **more: object) -> Call:
    return Call.model_validate(
        {
            "operation": step.operation,
            "version": step.version,
            "arguments": step.arguments,
            "environment": ENVIRONMENT,
            "principal": MIN,
            "route": "plan" if grant else "cli",
            "run_id": run_id,
            "step_id": step.id,
            "grant": grant,
            **more,
        }
    )


def fresh_run() -> RunId:
    return RunId(f"run-{secrets.token_hex(6)}")


@asynccontextmanager
async def opened(folder: Path, rules: Policy = RULES) -> AsyncIterator[Bench]:
    clock, keyring, store = FakeClock(), Keyring.generate(), Store(state={"a": ("old",)})
    people = {each.id: each for each in (MIN, KIM, LEE, EVE)}
    path = folder / f"{secrets.token_hex(4)}.db"
    async with SqliteJournal.open(path, keyring, clock) as journal:
        desk = ApprovalDesk(journal, keyring, rules, people.get, clock)
        bench = Bench(None, journal, store, desk, clock, keyring, people, path)  # type: ignore[arg-type]
        bench.gate = bench.gated(rules)
        yield bench
