"""Sixteen ways to misuse an approval, tried again and again on the real gate, journal and rules: none may be accepted.

    python benchmarks/approvals.py [--quick] [--tries N] [--json]

Accepted is a try after which the system shows an effect that it should not. Class o lets fifty processes, forked before
the decision, decide and resume at the same moment while the action takes two seconds; an effect ledger in a process of
its own counts. `--quick` makes five tries of that class instead of a hundred.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from approval_bench import KIM, LEE, MIN, Bench, call, fresh_run, opened, write
from approval_misuse import KINDS, Kind
from steersman.app.store import CLOCK
from steersman.domain.call import Grant
from steersman.domain.environment import Principal
from steersman.domain.errors import ApprovalNeededError, SteersmanError
from steersman.domain.event import RunPlanned
from steersman.domain.ids import ApprovalId, OperationName, RunId, StepId
from steersman.domain.plan import Plan, Provenance, Step
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs, Settings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import load
from steersman.testing.benchmark import header, report
from steersman.testing.effects import Book, EffectShelf
from steersman.testing.shelf import ENVIRONMENT, OPERATIONS

RULES = load()
RUN = RunId("run")
PROCESSES = 50
ACTION_S = 2.0
PEOPLE = {each.id: each for each in (MIN, KIM)}


@dataclass
class Tally:
    """What became of the tries of one class."""

    id: str
    what: str
    tries: int = 0
    accepted: int = 0
    journaled: int = 0
    seconds: float = 0.0


async def tried(kind: Kind, tries: int, folder: Path) -> Tally:
    tally = Tally(kind.id, kind.what)
    async with opened(folder, kind.rules) as b:
        await control(b)
        for n in range(tries):
            before, started = len(b.store.effects), time.perf_counter()
            runs = await kind.misuse(b, n)
            tally.seconds += time.perf_counter() - started
            tally.tries += 1
            tally.accepted += len(b.store.effects) - before != kind.effects
            tally.journaled += await b.refusals(*runs) > 0
            b.store.state = {"a": ("old",)}
    return tally


async def control(b: Bench) -> None:
    """The proper use works, so that a refusal means something."""
    run, step = fresh_run(), write("a", ["proper"])
    plan = b.plan(step)
    approval_id = await b.asked(plan, run)
    for who in (KIM, LEE, MIN):
        if (await b.journal.approval(approval_id)).state == "open":
            await b.desk.vote(approval_id, who, "approve")
    await b.gate.call(call(step, run, await b.gate.authorise(plan, run, MIN)))
    assert len(b.store.effects) == 1
    b.store.state = {"a": ("old",)}


@contextmanager
def ledger(path: Path) -> Iterator[int]:
    """An effect ledger in a process of its own; gives its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "steersman.testing.effects", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def the_plan() -> Plan:
    put = OPERATIONS[OperationName("shelf.put")]
    step = Step(id=StepId("s"), phase="deploy", operation=put.name, arguments={"name": "a", "value": 2})
    made = Provenance(planner="file", made_at=CLOCK.now())
    return Plan(goal="together", environment=ENVIRONMENT, steps=(step,), provenance=made)


@dataclass(frozen=True, slots=True)
class Place:
    """Where one try of class o happens."""

    folder: Path
    port: int
    world: str
    plan: Plan

    @property
    def keyring(self) -> Keyring:
        """The keys, as each process reads them."""
        return Keyring.open(self.folder / "keys.json")


async def decided(place: Place, gate: Gate, journal: SqliteJournal, approval_id: str, who: Principal) -> Grant:
    """Approves, as everybody else does at this moment, and takes the grant."""
    desk = ApprovalDesk(journal, place.keyring, RULES, PEOPLE.get, CLOCK)
    with suppress(SteersmanError):  # others were quicker; what counts is what happens next
        await desk.vote(ApprovalId(approval_id), who, "approve")
    return await gate.authorise(place.plan, RUN, MIN)


async def one(place: Place, number: int, start_fd: int) -> bool:
    """One of fifty: ready before the start, then decides (every second one) and executes."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{place.port}", timeout=30) as client,
        SqliteJournal.open(place.folder / "journal.db", place.keyring, CLOCK) as journal,
    ):
        shelf = EffectShelf(client, world=place.world, delay_s=ACTION_S)
        needs = Needs((shelf,), journal, place.keyring, RULES, PEOPLE.get, CLOCK, Redactor(), Settings())
        gate = Gate(needs)
        approval_id = (await journal.approvals(open_only=False))[0].request.id
        os.read(start_fd, 1)  # blocks until the parent closes the other end
        try:
            if number % 2:
                grant = await decided(place, gate, journal, approval_id, (MIN, KIM)[number // 2 % 2])
            else:
                grant = await _when_approved(place, gate)
            await gate.call(call(place.plan.steps[0], RUN, grant, environment=ENVIRONMENT))
        except SteersmanError:
            return False
        return True


async def _when_approved(place: Place, gate: Gate) -> Grant:
    """A resume that goes on the moment somebody has approved."""
    while True:
        try:
            return await gate.authorise(place.plan, RUN, MIN)
        except ApprovalNeededError:
            await asyncio.sleep(0.01)


async def prepared(place: Place) -> None:
    """The run waits for approval."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{place.port}") as client,
        SqliteJournal.open(place.folder / "journal.db", place.keyring, CLOCK) as journal,
    ):
        shelf = EffectShelf(client, world=place.world)
        await client.post(
            "/",
            json={
                "world": place.world,
                "verb": "create",
                "arguments": {"name": "a", "value": 1},
                "key": "",
                "delay_s": 0,
            },
        )
        gate = Gate(Needs((shelf,), journal, place.keyring, RULES, PEOPLE.get, CLOCK, Redactor(), Settings()))
        await journal.append(RUN, RunPlanned(plan=place.plan, requester=MIN))
        try:
            await gate.authorise(place.plan, RUN, MIN)
        except ApprovalNeededError:
            return
        raise AssertionError("the plan needed no approval")


def together(place: Place) -> tuple[int, int]:
    """Fifty processes at the same moment: how many had the outcome, and how many broke."""
    asyncio.run(prepared(place))
    read_fd, write_fd = os.pipe()
    children = [_fork(place, number, read_fd, write_fd) for number in range(PROCESSES)]
    os.close(read_fd)
    time.sleep(3.0)  # all are ready and block
    os.close(write_fd)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    return codes.count(0), sum(code not in (0, 1) for code in codes)


def _fork(place: Place, number: int, read_fd: int, write_fd: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 2
    try:
        os.close(write_fd)
        code = 0 if asyncio.run(one(place, number, read_fd)) else 1
    finally:
        os._exit(code)


def concurrent(tries: int, folder: Path) -> Tally:
    tally = Tally("o", f"{PROCESSES} at once, action of {ACTION_S:g} s")
    path = folder / "effects.db"
    with ledger(path) as port:
        for n in range(tries):
            place = Place(folder / f"o{n}", port, f"w{n}", the_plan())
            place.folder.mkdir()
            started = time.perf_counter()
            had, broke = together(place)
            tally.seconds += time.perf_counter() - started
            tally.tries += 1
            tally.accepted += effects(path, place.world) != 1 or had == 0 or broke > 0
            tally.journaled += 1
    return tally


def effects(path: Path, world: str) -> int:
    """What the ledger counted, without what set the world up."""
    return sum(effect.verb == "put" for effect in Book(path).effects(world))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tries", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    together_tries = min(arguments.tries, 5) if arguments.quick else arguments.tries
    header("Misused approvals: accepted must be 0", tries=arguments.tries, together=together_tries)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tallies = [asyncio.run(tried(kind, arguments.tries, folder)) for kind in KINDS]
        tallies.insert(-1, concurrent(together_tries, folder))
    rows = [
        (t.id, t.what, t.tries, t.accepted, t.journaled, f"{t.seconds / max(1, t.tries) * 1e3:.0f}") for t in tallies
    ]
    passed = all(t.accepted == 0 and t.tries > 0 and t.journaled == t.tries for t in tallies)
    figures = {t.id: {"tries": t.tries, "accepted": t.accepted, "journaled": t.journaled} for t in tallies}
    columns = ("class", "misuse", "tries", "accepted", "journaled", "ms a try")
    return report(columns, rows, {"classes": figures}, passed=passed, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
