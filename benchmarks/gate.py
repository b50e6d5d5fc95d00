"""What the gate costs: processor time per call, with what of it is the journal's and the policy's.

    python benchmarks/gate.py [--quick] [--json]

A write of an approved plan passes every link: policy, approval (its votes verified), a look before, the intent with its
claim, the call, a look after, the outcome. Bound: the gate's own part takes at most twice the processor time that the
journal takes for the same entries in the same minute; milliseconds depend on who else uses the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from steersman.app.store import CLOCK
from steersman.domain.call import Call, Grant
from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalNeededError
from steersman.domain.event import CallIntended, CallSettled, Event, RunPlanned
from steersman.domain.ids import ApprovalId, OperationName, PrincipalId, RunId, StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Budget, Plan, Provenance, Step
from steersman.domain.policy import PolicyDecision, PolicyRequest
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.port import Claim
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import Policy, load
from steersman.testing.benchmark import header, report
from steersman.testing.toolset import ENVIRONMENT, Store

OWN_PER_JOURNAL = 2.0
RUN = RunId("run")
MIN = Principal(id=PrincipalId("local:min"), kind="human", roles=frozenset({"operator", "approver"}))


@dataclass
class Asked:
    """The shipped rules, and how often they were asked what."""

    rules: Policy
    requests: list[PolicyRequest]

    def decide(self, request: PolicyRequest) -> PolicyDecision:
        """Remembers the question."""
        self.requests.append(request)
        return self.rules.decide(request)

    def __getattr__(self, name: str) -> object:
        return getattr(self.rules, name)


@dataclass
class Bench:
    """A gate with an approved run."""

    gate: Gate
    journal: SqliteJournal
    rules: Asked
    grant: Grant
    plan: Plan


def the_plan(count: int) -> Plan:
    inverse = Invocation(operation=OperationName("store.set"), arguments={"name": "a", "items": {"$before": "/items"}})
    writes = [
        Step(
            id=StepId(f"w{n}"),
            phase="deploy",
            operation=OperationName("store.set"),
            arguments={"name": f"n{n}", "items": ["new"]},
            inverse=inverse,
        )
        for n in range(count)
    ]
    reads = [
        Step(id=StepId(f"r{n}"), phase="deploy", operation=OperationName("store.get"), arguments={"name": f"n{n}"})
        for n in range(count)
    ]
    return Plan(
        goal="cost",
        environment=ENVIRONMENT,
        steps=(*writes, *reads),
        budget=Budget(calls=1_000_000),
        provenance=Provenance(planner="file", made_at=CLOCK.now()),
    )


@asynccontextmanager
async def opened(folder: Path, count: int) -> AsyncIterator[Bench]:
    rules, keyring, people = Asked(load(), []), Keyring.generate(), {MIN.id: MIN}.get
    store = Store(state={f"n{n}": ("old",) for n in range(count)})
    async with SqliteJournal.open(folder / "journal.db", keyring, CLOCK) as journal:
        needs = Needs((store,), journal, keyring, rules, people, CLOCK, Redactor(), Settings())  # type: ignore[arg-type]
        gate, plan = Gate(needs), the_plan(count)
        await journal.append(RUN, RunPlanned(plan=plan, requester=MIN))
        try:
            await gate.authorise(plan, RUN, MIN)
        except ApprovalNeededError as e:
            desk = ApprovalDesk(journal, keyring, rules.rules, people, CLOCK)
            await desk.vote(ApprovalId(e.approval_id), MIN, "approve")
        yield Bench(gate, journal, rules, await gate.authorise(plan, RUN, MIN), plan)


def call_of(step: Step, grant: Grant | None) -> Call:
    return Call(
        operation=step.operation,
        version=step.version,
        arguments=step.arguments,
        environment=ENVIRONMENT,
        principal=MIN,
        route="plan" if grant else "cli",
        run_id=RUN if grant else RunId("looking"),
        step_id=step.id,
        grant=grant,
    )


async def cpu_ms(count: int, work: Callable[[int], Awaitable[object]]) -> float:
    started = time.process_time()
    for n in range(count):
        await work(n)
    return (time.process_time() - started) / count * 1e3


async def journal_alone(b: Bench, events: list[Event], count: int) -> float:
    """The same entries as those calls wrote, in the same transactions, with nothing around them."""
    intents = {e.step_id: e for e in events if isinstance(e, CallIntended)}
    settled = {e.step_id: e for e in events if isinstance(e, CallSettled)}
    others = [e for e in events if e.kind in ("decided", "read_made")]
    per = max(1, len(others) // max(1, len(intents)))
    claim = Claim(approval_id=b.grant.approval_id, subject=b.grant.plan_digest, claimed_by=RUN)  # type: ignore[arg-type]

    async def once(n: int) -> None:
        step = StepId(f"w{n}")
        notes = others[n * per : (n + 1) * per]
        again = {"step_id": StepId(f"again{n}"), "key": f"again{n}"}
        await asyncio.gather(
            b.journal.append(RUN, *notes[: per - 1]),
            b.journal.intend(RUN, intents[step].model_copy(update=again), claim),
        )
        await b.journal.append(RUN, *notes[per - 1 :], settled[step].model_copy(update={"step_id": again["step_id"]}))

    return await cpu_ms(count, once)


def policy_ms(requests: list[PolicyRequest], rules: Policy, calls: int) -> float:
    started = time.process_time()
    for request in requests:
        rules.decide(request)
    return (time.process_time() - started) / calls * 1e3


async def measure(folder: Path, count: int) -> dict[str, float]:
    async with opened(folder, count) as b:
        writes, reads = b.plan.steps[:count], b.plan.steps[count:]
        b.rules.requests.clear()
        seen = len(await b.journal.read(RUN))
        write = await cpu_ms(count, lambda n: b.gate.call(call_of(writes[n], b.grant)))
        asked, events = list(b.rules.requests), [e.event for e in (await b.journal.read(RUN))[seen:]]
        b.rules.requests.clear()
        read = await cpu_ms(count, lambda n: b.gate.call(call_of(reads[n], None)))
        read_policy = policy_ms(b.rules.requests, b.rules.rules, count)
        kept = await cpu_ms(count, lambda n: b.gate.call(call_of(reads[n], b.grant)))
        noted = next(e for e in events if e.kind == "read_made")
        one = await cpu_ms(count, lambda _: b.journal.append(RunId("looking"), noted))
        journal = await journal_alone(b, events, count)
        policy = policy_ms(asked, b.rules.rules, count)
    return {
        "write_ms": write,
        "write_journal_ms": journal,
        "write_policy_ms": policy,
        "write_own_ms": write - journal - policy,
        "read_ms": read,
        "read_journal_ms": one,
        "read_policy_ms": read_policy,
        "read_own_ms": read - one - read_policy,
        "plan_read_ms": kept,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    count, rounds = (200, 2) if arguments.quick else (1_000, 3)
    header("Cost of the gate, processor ms a call", calls=count, rounds=rounds)
    samples = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            samples.append(asyncio.run(measure(Path(folder), count)))
    best = {name: round(min(sample[name] for sample in samples), 3) for name in samples[0]}
    rows = [
        ("write of an approved plan", *(best[f"write_{part}ms"] for part in ("", "journal_", "policy_", "own_"))),
        ("read", *(best[f"read_{part}ms"] for part in ("", "journal_", "policy_", "own_"))),
        ("read of a plan, answer kept", best["plan_read_ms"], "", "", ""),
    ]
    ratios = {each: best[f"{each}_own_ms"] / best[f"{each}_journal_ms"] for each in ("write", "read")}
    passed = max(ratios.values()) <= OWN_PER_JOURNAL
    columns = ("call", "all", "journal", "policy", "gate's own")
    return report(columns, rows, {**best, **ratios}, passed=passed, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
