"""Loses the answer to a write that the system has done, and counts, past Steersman, whether it was done twice.

A proxy before the real server, or the transport before a strict double, hands the request on and cuts the answer off.
The same run without the loss, from the same state, says how many writes there are to be, and what they leave.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.hands.asked import BREAKS, arguments
from benchmarks.hands.loop import Loop, looped, prepare, step_of
from benchmarks.hands.scene import System, differences, varied
from benchmarks.hands.systems import Open, opened_systems, playing, turns

from steersman.domain.event import CallSettled
from steersman.domain.ids import OperationName
from steersman.domain.run import Run
from steersman.testing.benchmark import header, report
from steersman.testing.toolset_conformance import Example

CASES, QUICK_CASES = 250, 50
"""A fifth of them is written into files or by a program, and has no answer to lose."""
STEP_S = 20.0
"""What the loss leaves open is looked at until here."""
ENDS = ("settled", "taken back", "asks a human", "no answer to lose", "DOUBLED", "WRONG")


@dataclass(frozen=True, slots=True)
class Case:
    """One write whose answer is lost."""

    number: int
    system: System
    operation: OperationName
    dice: random.Random


@dataclass(frozen=True, slots=True)
class Result:
    """How a case ended."""

    case: Case
    end: str
    """settled: done once, and the run says so; taken back: a write of several requests was half done, read-back shows
    that it is not whole, and nothing of it is left; asks a human: its operation declares no
    state that it leaves, so that read-back cannot tell; DOUBLED: done more often than without the loss.
    """
    why: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A run, and what it left."""

    run: Run
    settled_by: str
    says: bool
    """Whether the operation declares what it leaves."""
    beside: tuple[str, ...]
    writes: list[str]
    lost: int
    before: object
    truth: object


async def once(case: Case, loop: Loop, example: Example, lose: int) -> Seen:
    """One run of one step; `lose`: the answer of which write is lost."""
    async with case.system.opened() as scene:
        known = {binding.operation.name: binding.operation for binding in scene.toolset.bindings()}
        fresh = next((each for each in scene.examples if each.operation == case.operation), None)
        if fresh is not None:  # what the scene made, such as a lease, has a new name in each
            example = Example(fresh.operation, {**example.arguments, **identity(fresh)}, fresh.before)
        await prepare(scene.toolset, example.before)
        crew = loop.crew(scene.toolset)
        step = step_of(known[case.operation], example.arguments)
        step = step.model_copy(update={"timeout_s": min(step.timeout_s, STEP_S)})
        plan = await crew.plan(scene.toolset, [step])
        before = await scene.truth()
        scene.line.done.clear()
        scene.line.lose = lose
        run = await crew.run(plan, run_id := loop.run_id())
        entries = await loop.journal.read(run_id)
        settled = [each.event for each in entries if isinstance(each.event, CallSettled) and each.event.before]
        by = settled[-1].settled_by if settled else ""
        says, beside = known[case.operation].after is not None, scene.beside.get(case.operation, ())
        return Seen(run, by, says, beside, list(scene.line.done), scene.line.lost, before, await scene.truth())


def identity(example: Example) -> dict[str, object]:
    """Arguments that name what only this scene has."""
    return {name: example.arguments[name] for name in ("lease", "key", "pid", "started") if name in example.arguments}


async def play(case: Case, loop: Loop) -> Result:
    """Runs it twice, from the same state: whole, and with a loss."""
    async with case.system.opened() as scene:
        examples = [each for each in scene.examples or case.system.examples if each.operation == case.operation]
    example = varied(case.dice.choice(examples), case.dice)
    whole = await once(case, loop, example, 0)
    if whole.run.state != "done":
        return Result(case, "WRONG", f"without a loss it ends {whole.run.state}: {whole.run.reason}")
    if not whole.writes:
        return Result(case, "no answer to lose", "it writes into files")
    torn = await once(case, loop, example, case.dice.randint(1, len(whole.writes)))
    return judged(case, whole, torn)


def judged(case: Case, whole: Seen, torn: Seen) -> Result:
    """The run with the loss, held against the one without."""
    extra = Counter(torn.writes) - Counter(whole.writes)
    if extra:
        return Result(case, "DOUBLED", f"{dict(extra)} more than without the loss")
    if not torn.lost:
        return Result(case, "no answer to lose", f"{torn.run.state}: {torn.run.reason}")
    if torn.run.state == "needs_human" and not torn.says:
        return Result(case, "asks a human", torn.run.reason)
    if torn.run.state in ("rolled_back", "failed") and not differences(torn.before, torn.truth):
        return Result(case, "taken back", torn.run.reason)
    if torn.run.state != "done":
        return Result(case, "WRONG", f"{torn.run.state}: {torn.run.reason}")
    moved = [each for each in differences(whole.truth, torn.truth) if not each.startswith(torn.beside)]
    return Result(case, "WRONG", "; ".join(moved)) if moved else Result(case, "settled", torn.settled_by)


async def attempt(case: Case, loop: Loop) -> Result:
    """A case; what breaks it is a result, too."""
    try:
        async with asyncio.timeout(120):
            return await play(case, loop)
    except BREAKS as e:
        return Result(case, "WRONG", f"{type(e).__name__}: {e}")


async def measure(asked: argparse.Namespace) -> tuple[list[Result], list[Open]]:
    async with looped() as loop, opened_systems(quick=asked.quick, only=asked.only) as systems:
        cases = [
            (place, Case(number, place.system, name, random.Random(f"{asked.seed}/{number}")))
            for number, (place, name) in enumerate(turns(systems, "writes", asked.total, asked.seed))
        ]
        return await playing(cases, lambda case: attempt(case, loop), trouble), systems


def trouble(result: Result) -> str:
    """A line of what went wrong."""
    fine = result.end in ("settled", "taken back", "no answer to lose")
    return "" if fine else f"case {result.case.number} {result.case.operation}: {result.end}: {result.why}"


def main() -> int:
    asked = arguments(__doc__, cases=CASES, quick=QUICK_CASES)
    header("Lost answers: the system has done it, and nobody hears of it", seed=asked.seed)
    results, systems = asyncio.run(measure(asked))
    return told(results, systems, asked)


def told(results: list[Result], systems: list[Open], asked: argparse.Namespace) -> int:
    rows = []
    for place in systems:
        some = [result for result in results if result.case.system is place.system]
        rows.append([place.system.name, place.system.stands_on, len(place.writes), *counts(some)])
    rows.append(["all", "", sum(len(place.writes) for place in systems), *counts(results)])
    ends = Counter(result.end for result in results)
    by = Counter(result.why for result in results if result.end == "settled")
    print(f"settled by: {dict(by)}")
    lost = len(results) - ends["no answer to lose"]
    figures = {"lost": lost, **{end: ends[end] for end in ENDS}, "settled_by": dict(by), "seed": asked.seed}
    passed = not (ends["DOUBLED"] or ends["WRONG"])
    return report(["system", "stands on", "operations", *ENDS], rows, figures, passed=passed, as_json=asked.json)


def counts(results: Sequence[Result]) -> list[int]:
    ends = Counter(result.end for result in results)
    return [ends[end] for end in ENDS]


if __name__ == "__main__":
    sys.exit(main())
