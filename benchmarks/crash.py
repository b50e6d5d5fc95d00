"""Kills the engine with SIGKILL at every boundary of its journal and counts, outside of it, what was really done.

Each trial runs one plan in a process of its own, which dies at a chosen point; other processes recover it (some die,
too), and in the end an independent effect ledger says what was lost, done twice, or got stuck.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

import httpx

from steersman.app.store import CLOCK
from steersman.domain.environment import Principal
from steersman.domain.errors import ConcurrencyError
from steersman.domain.event import FINAL
from steersman.domain.finding import Verdict
from steersman.domain.ids import OperationName, PrincipalId, RunId, StepId
from steersman.domain.operation import Invocation
from steersman.domain.plan import Check, Plan, Predicate, Step
from steersman.domain.run import fold
from steersman.domain.signal import Series
from steersman.engines.local import Deps, LocalEngine, Settings
from steersman.engines.local.graph import build  # loaded once, before the forks
from steersman.gate.desk import ApprovalDesk
from steersman.gate.gate import Gate, Needs
from steersman.gate.gate import Settings as GateSettings
from steersman.gate.redaction import Redactor
from steersman.journal.keyring import Keyring
from steersman.journal.sqlite import SqliteJournal
from steersman.policy.engine import load
from steersman.testing.benchmark import header, report
from steersman.testing.effects import Book, EffectShelf
from steersman.testing.killing import Fuse, KillingJournal, KillingToolset, Point
from steersman.testing.plans import SHAPES, initial_values, make

OPERATOR = Principal(id=PrincipalId("local:min"), kind="human", roles=frozenset({"operator", "approver"}))
RUN = RunId("run")
BOOK = "effects.db"
POINTS: tuple[tuple[Point, str], ...] = (
    ("before_intent", "do"),
    ("after_intent", "do"),
    ("during_call", "do"),
    ("after_call", "do"),
    ("before_outcome", "do"),
    ("after_outcome", "do"),
    ("waiting", "do"),
    ("undoing", "undo"),
    ("before_intent", "undo"),
    ("after_intent", "undo"),
    ("during_call", "undo"),
    ("after_call", "undo"),
    ("before_outcome", "undo"),
    ("after_outcome", "undo"),
)
EFFECT_DELAY_S = 0.03
LATE_EFFECT_S = 0.9
"""In some trials the effect lands only after the lease of the killed process has run out and recovery has begun."""
LEASE_S = 0.5
STEP_TIMEOUT_S = 1.5
"""Recovery waits so long before it believes that a write which read-back does not show has not happened."""
LOOK_TIMEOUT_S = 20.0
LIFE_S = 180.0
"""A process that takes longer than this is stuck."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One plan, and where the processes that run it die."""

    number: int
    shape: str
    plan: Plan
    point: Point
    direction: str
    nth: int
    again: Fuse | None
    delay_s: float
    home: Path

    @property
    def world(self) -> str:
        """Its own place in the ledger."""
        return f"w{self.number}"


def trial(number: int, shapes: list[str], home: Path) -> Trial:
    rng = random.Random(number)
    point, direction = POINTS[number % len(POINTS)]
    shape = shapes[number // len(POINTS) % len(shapes)]
    plan = plan_of(shape, seed=number, fails=direction == "undo")
    writes = sum(1 for step in plan.steps if step.operation != "shelf.get")
    nth = 1 if point in ("waiting", "undoing") else rng.randint(1, writes)
    second, way = rng.choice(POINTS)
    again = Fuse(second, way, rng.randint(1, 3)) if rng.random() < 0.3 else None
    late = point == "during_call" and rng.random() < 0.3
    return Trial(
        number, shape, plan, point, direction, nth, again, LATE_EFFECT_S if late else EFFECT_DELAY_S, home / str(number)
    )


def plan_of(shape: str, *, seed: int, fails: bool) -> Plan:
    plan = make(shape, seed=seed, size=6)
    steps = [
        step.model_copy(update={"timeout_s": LOOK_TIMEOUT_S if step.operation == "shelf.get" else STEP_TIMEOUT_S})
        for step in plan.steps
    ]
    if fails:
        look = Invocation(operation=OperationName("shelf.get"), arguments={"name": "base"})
        never = Check(call=look, expect=(Predicate(path="/value", op="==", value=-1),))
        steps.append(
            Step(
                id=StepId("never"),
                phase=steps[-1].phase,
                operation=look.operation,
                arguments=look.arguments,
                needs=(steps[-1].id,),
                postconditions=(never,),
            )
        )
    return plan.model_copy(update={"steps": tuple(steps)})


class Quiet:
    """A source that answers, and a judge that is content: the holds of the plans pass."""

    async def range(self, signal, selector, window):
        """An empty series."""
        del window
        return Series(signal=signal, selector=selector, times=(), values=())

    def judge(self, condition, series, baseline, at):
        """Pass."""
        del condition, series, baseline
        return Verdict(result="pass", reason="well", at=at)


@cache
def rules():
    return load()


async def live(trial: Trial, port: int, fuse: Fuse) -> None:
    """One process: approves what waits, goes on with the run, ends when the run is final."""
    people = {OPERATOR.id: OPERATOR}.get
    keyring = Keyring.open(trial.home / "keys.json")
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client,
        SqliteJournal.open(trial.home / "journal.db", keyring, CLOCK) as sound,
    ):
        journal = KillingJournal(sound, fuse)
        shelf = EffectShelf(client, world=trial.world, delay_s=trial.delay_s)
        into_call_s = random.Random(trial.number).uniform(0.0, EFFECT_DELAY_S * 1.3)
        needs = Needs(
            toolsets=(KillingToolset(shelf, fuse, into_call_s=into_call_s),),
            journal=journal,
            keyring=keyring,
            rules=rules(),
            directory=people,
            clock=CLOCK,
            redactor=Redactor(),
            settings=GateSettings(mode="review"),
        )
        gate, quiet = Gate(needs), Quiet()
        settings = Settings(lease_ttl=timedelta(seconds=LEASE_S), beat_s=0.1, inverse_backoff_s=0.05)
        deps = Deps(gate, gate, journal, lambda _: quiet, quiet.judge, CLOCK, gate.operation, settings)
        engine = LocalEngine(deps, OPERATOR, trial.home / "checkpoints.db")
        desk = ApprovalDesk(journal, keyring, rules(), people, CLOCK)
        await go_on(trial, engine, desk)


async def go_on(trial: Trial, engine: LocalEngine, desk: ApprovalDesk) -> None:
    while True:
        try:
            run = await engine.run(trial.plan, RUN)
        except ConcurrencyError:
            await asyncio.sleep(0.05)
            continue
        if run.state in FINAL:
            return
        for approval in await engine.deps.journal.approvals(open_only=True):
            await desk.vote(approval.request.id, OPERATOR, "approve")
        if run.state != "waiting":
            await asyncio.sleep(0.1)


def life(trial: Trial, port: int, fuse: Fuse) -> str:
    """Forks a process that lives one life: `killed`, `ended`, `stuck` or `broke`."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with (trial.home / "errors.txt").open("a") as errors:
                os.dup2(errors.fileno(), 2)
            asyncio.run(live(trial, port, fuse))
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    give_up = time.monotonic() + LIFE_S
    while time.monotonic() < give_up:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            if os.WIFSIGNALED(status):
                return "killed"
            return "ended" if os.WEXITSTATUS(status) == 0 else "broke"
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "stuck"


@dataclass(frozen=True, slots=True)
class Result:
    """What the ledger says of a trial."""

    trial: Trial
    kills: int
    lost: int
    doubled: int
    stuck: int
    why: str = ""
    slow: bool = False
    """The machine was so busy that the tool did not answer in time: the run ended rightly, but another way."""


def attempt(trial: Trial, port: int, book: Path) -> Result:
    trial.home.mkdir()
    ledger = Book(book)
    initial = initial_values(trial.plan)
    ledger.put_up(trial.world, initial)
    ends = [life(trial, port, Fuse(trial.point, trial.direction, trial.nth))]
    if trial.again is not None and ends[-1] == "killed":
        ends.append(life(trial, port, trial.again))
    if ends[-1] == "killed":
        ends.append(life(trial, port, Fuse("waiting", "undo", -1)))
    kills = ends.count("killed")
    if ends[-1] != "ended":
        return Result(trial, kills, 0, 0, 1, ends[-1])
    time.sleep(trial.delay_s)
    state, reason = final_state(trial)
    counts = Counter(effect.key for effect in ledger.effects(trial.world))
    doubled = sum(count - 1 for count in counts.values())
    broken = promise_broken(trial, state, counts, ledger)
    if broken is None:
        return Result(trial, kills, 0, doubled, 1, f"{state}: {reason}")
    wanted = "rolled_back" if trial.plan.steps[-1].id == "never" else "done"
    slow = state != wanted and "did not answer within" in reason
    if state != wanted and not slow:
        return Result(trial, kills, broken, doubled, 1, f"{state}: {reason}")
    return Result(trial, kills, broken, doubled, 0, f"{state}: {reason}" if slow else "", slow=slow)


def promise_broken(trial: Trial, state: str, counts: Counter[str], ledger: Book) -> int | None:
    """How many effects are missing from, or left over by, what the run's end promises; None when it has no end."""
    match state:
        case "done":
            writes = [step.id for step in trial.plan.steps if step.operation != "shelf.get"]
            return sum(1 for step in writes if not counts[f"{RUN}/{step}/do"])
        case "rolled_back":
            return int(ledger.values(trial.world) != initial_values(trial.plan))
        case "failed" | "refused":
            return sum(counts.values())
        case _:
            return None


def final_state(trial: Trial) -> tuple[str, str]:
    async def read():
        async with SqliteJournal.open(trial.home / "journal.db", Keyring.open(trial.home / "keys.json"), CLOCK) as j:
            return fold(await j.read(RUN))

    run = asyncio.run(read())
    return run.state, run.reason


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=3, help="trials at the same time: most of the time they wait")
    parser.add_argument("--quick", action="store_true", help="60 kills")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    wanted = 60 if arguments.quick else arguments.kills
    shapes = sorted(SHAPES)
    assert build(plan_of(shapes[0], seed=0, fails=True)) is not None
    header("Crash: SIGKILL at every boundary", shapes=len(shapes), kills=wanted)
    with tempfile.TemporaryDirectory() as folder:
        results = run_trials(Path(folder), wanted, arguments.jobs)
    rows = []
    for point, direction in POINTS:
        some = [r for r in results if (r.trial.point, r.trial.direction) == (point, direction)]
        rows.append([f"{point} ({direction})", sum(r.kills for r in some), *totals(some)])
    rows.append(["all", sum(r.kills for r in results), *totals(results)])
    for result in results:
        if result.lost or result.doubled or result.stuck or result.slow:
            t = result.trial
            print(f"trial {t.number}: {t.shape}, {t.point} ({t.direction}) #{t.nth}: {result.why or 'see counts'}")
    lost, doubled, stuck = totals(results)
    passed = (lost, doubled, stuck) == (0, 0, 0)
    figures = {
        "kills": rows[-1][1],
        "lost": lost,
        "doubled": doubled,
        "stuck": stuck,
        "slow": sum(1 for r in results if r.slow),
        "shapes": shapes,
        "late_effects": sum(1 for r in results if r.trial.delay_s == LATE_EFFECT_S),
        "second_kills": sum(1 for r in results if r.kills > 1),
    }
    columns = ["where it was killed", "kills", "lost", "doubled", "stuck"]
    return report(columns, rows, figures, passed=passed, as_json=arguments.json)


def totals(results: list[Result]) -> tuple[int, int, int]:
    return sum(r.lost for r in results), sum(r.doubled for r in results), sum(r.stuck for r in results)


def run_trials(folder: Path, wanted: int, jobs: int) -> list[Result]:
    command = [sys.executable, "-m", "steersman.testing.effects", str(folder / BOOK)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline())
        workers = [worker(job, jobs, folder, wanted=wanted, port=port) for job in range(jobs)]
        for child in workers:
            os.waitpid(child, 0)
    finally:
        server.stdin.close()
        server.wait()
    return [result for job in range(jobs) for result in pickle.loads((folder / f"job{job}").read_bytes())]


def worker(job: int, jobs: int, folder: Path, *, wanted: int, port: int) -> int:
    """Forks a process that does every `jobs`-th trial until its share of the kills is done."""
    child = os.fork()
    if child:
        return child
    results: list[Result] = []
    number = job
    try:
        while sum(result.kills for result in results) < wanted / jobs:
            results.append(attempt(trial(number, sorted(SHAPES), folder), port, folder / BOOK))
            number += jobs
        (folder / f"job{job}").write_bytes(pickle.dumps(results))
    finally:
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
