"""Makes bad changes with every reversible operation and looks, past Steersman, whether the undo put the system back.

Each case runs a plan through the real gate and engine; a condition is breached, a later step fails, or somebody asks
for the undo. In some, the inverse meets errors, lost answers or silence, or somebody else has changed the thing since.
It must end restored (the system's own state equals the one before) or escalated, with a report that names what stands.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.hands.asked import BREAKS, arguments
from benchmarks.hands.faults import FAULTS, Faulty
from benchmarks.hands.loop import ERRORS, Crew, Loop, failing, held, looped, percentile, prepare, probe_of, step_of
from benchmarks.hands.scene import Example, Scene, System, differences, varied
from benchmarks.hands.systems import Open, not_exercised, opened_systems, playing, turns

from steersman.domain.exit_codes import ExitCode
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.domain.plan import Step
from steersman.domain.run import Run
from steersman.testing.benchmark import header, report, table

BOUND_S = 2.0
CASES, QUICK_CASES = 500, 100
TRIGGERS = ("condition breached", "later step failed", "undo asked for")
STUCK_S = 120.0
PAIRS = 0.3
"""How many cases change two things."""


@dataclass(frozen=True, slots=True)
class Case:
    """One bad change."""

    number: int
    system: System
    operation: OperationName
    dice: random.Random


@dataclass(frozen=True, slots=True)
class Result:
    """How a case ended, by what the system itself shows."""

    case: Case
    operations: tuple[OperationName, ...]
    fault: str
    trigger: str
    end: str
    """restored; kept: but for what an operation declares to outlive an undo; escalated; forbidden by the
    shipped policy, before anything was changed; WRONG.
    """
    why: str = ""
    reaction_s: float | None = None


async def play(case: Case, loop: Loop) -> Result:
    """Opens the system, makes the change, has it undone, looks."""
    fault = case.dice.choice(FAULTS)
    trigger = TRIGGERS[2] if fault == "others" else case.dice.choice(TRIGGERS)
    async with case.system.opened() as scene:
        known = {binding.operation.name: binding.operation for binding in scene.toolset.bindings()}
        examples = chosen(case, scene, known, alone=fault == "others")
        await prepare(scene.toolset, [call for each in examples for call in each.before])
        tool = Faulty(scene.toolset, fault)
        crew = loop.crew(tool)
        steps = steps_of(examples, known, trigger, case.dice)
        before = await scene.truth()
        conditions = (ERRORS,) if trigger == TRIGGERS[0] else ()
        run = await crew.run(await crew.plan(tool, steps, conditions=conditions), run_id := loop.run_id())
        theirs = None
        if trigger == TRIGGERS[2] and run.state == "done":
            if fault == "others" and (edits := scene.others(known[case.operation], examples[0].arguments)):
                await case.dice.choice(edits).do()
                theirs = await scene.truth()
            run = await crew.engine.undo(run_id)
        after = await scene.truth()
        beside = tuple(place for each in examples for place in scene.beside.get(each.operation, ()))
        stands = [each for each in differences(before, after) if not each.startswith(beside)]
        end, why = ended(run, "; ".join(stands), known)
        lost = [] if theirs is None else [e for e in differences(theirs, after) if not e.startswith(beside)]
        if end == "escalated" and lost:
            end, why = "WRONG", f"overwrote what others did: {lost}"
        return Result(
            case, tuple(OperationName(e.operation) for e in examples), fault, trigger, end, why, reaction(crew, tool)
        )


def chosen(case: Case, scene: Scene, known: dict[OperationName, Operation], *, alone: bool) -> list[Example]:
    """An example of the operation, with values of its own; sometimes one of another thing beside it."""
    dice = case.dice
    examples = scene.examples or case.system.examples
    first = dice.choice([each for each in examples if each.operation == case.operation])
    found = [varied(first, dice)]
    if alone or dice.random() > PAIRS:
        return found
    taken = things(first, known)
    others = [
        each
        for each in examples
        if known[OperationName(each.operation)].inverse is not None and not taken & things(each, known)
    ]
    return [*found, varied(dice.choice(others), dice)] if others else found


def things(example: Example, known: dict[OperationName, Operation]) -> set[str]:
    """What a call and its preparation touch, by name, whatever the system calls the kind of thing."""
    calls = [(example.operation, example.arguments), *example.before]
    return {known[OperationName(name)].target(arguments).split("/", 2)[-1] for name, arguments in calls}


def steps_of(
    examples: Sequence[Example], known: dict[OperationName, Operation], trigger: str, dice: random.Random
) -> list[Step]:
    """The steps of the plan, one behind the other or side by side, and what brings them down."""
    steps: list[Step] = []
    for number, example in enumerate(examples):
        needs = [steps[-1].id] if steps and dice.random() < 0.5 else []
        operation = known[OperationName(example.operation)]
        steps.append(step_of(operation, example.arguments, name=f"change-{number}", needs=needs))
    if trigger == TRIGGERS[0]:
        steps[-1] = held(steps[-1])
    elif trigger == TRIGGERS[1]:
        operation = known[steps[0].operation]
        probe = probe_of(operation, steps[0])
        assert probe is not None
        steps.append(failing(probe, [step.id for step in steps]))
    return steps


def ended(run: Run, stands: str, known: dict[OperationName, Operation]) -> tuple[str, str]:
    """The end of a run, held against what is different in the system."""
    wrote = [step for step in run.plan.steps if known[step.operation].effect != "read"]
    kept = [
        record.reason for record in run.undo.values() if record.reason.startswith("kept, ") and record.state == "done"
    ]
    if run.state == "rolled_back":
        if not stands:
            return "restored", ""
        return ("kept", kept[0]) if kept else ("WRONG", f"says rolled back, and there is {stands}")
    if run.exit_code == ExitCode.PARTIAL_UNDO:
        left = [step.id for step in wrote if (record := run.undo.get(step.id)) is None or record.state != "done"]
        silent = [step for step in left if f"step {step!r}" not in run.reason]
        if silent:
            return "WRONG", f"does not name {silent}: {run.reason}"
        return "escalated", run.reason
    if run.state == "refused" and "(deny-" in run.reason and not stands:
        return "forbidden", run.reason
    return "WRONG", f"{run.state}: {run.reason}"


def reaction(crew: Crew, tool: Faulty) -> float | None:
    """Seconds from the verdict to the first inverse that reaches the system."""
    if crew.verdict_at is None or tool.first_inverse_at is None:
        return None
    return tool.first_inverse_at - crew.verdict_at


async def attempt(case: Case, loop: Loop) -> Result:
    """A case; what breaks it is a result, too."""
    try:
        async with asyncio.timeout(STUCK_S):
            return await play(case, loop)
    except BREAKS as e:
        return Result(case, (case.operation,), "?", "?", "WRONG", f"{type(e).__name__}: {e}")


async def measure(asked: argparse.Namespace) -> tuple[list[Result], list[Open]]:
    async with looped() as loop, opened_systems(quick=asked.quick, only=asked.only) as systems:
        cases = [
            (place, Case(number, place.system, name, random.Random(f"{asked.seed}/{number}")))
            for number, (place, name) in enumerate(turns(systems, "reversible", asked.total, asked.seed))
        ]
        shown = asked.cases > 0
        return await playing(cases, lambda case: attempt(case, loop), partial(trouble, shown)), systems


def trouble(shown: bool, result: Result) -> str:  # bound by its only caller
    """A line of what went wrong, or of every case."""
    names = ", ".join(result.operations)
    line = f"case {result.case.number} {names} ({result.fault}; {result.trigger}): {result.end}: {result.why}"
    return line if shown or result.end == "WRONG" else ""


def main() -> int:
    asked = arguments(__doc__, cases=CASES, quick=QUICK_CASES)
    header("Undo: random bad changes, taken back or escalated", seed=asked.seed)
    results, systems = asyncio.run(measure(asked))
    return told(results, systems, asked)


def told(results: list[Result], systems: list[Open], asked: argparse.Namespace) -> int:
    left_out = not_exercised(systems)
    table(["not exercised", "why"], sorted(left_out.items()))
    print()
    faults = sorted({result.fault for result in results})
    table(
        ["what the inverse met", *ENDS],
        [[fault, *counts([r for r in results if r.fault == fault])] for fault in faults],
    )
    print()
    rows = []
    for place in systems:
        some = [result for result in results if result.case.system is place.system]
        rows.append([place.system.name, place.system.stands_on, len(place.reversible), *counts(some)])
    covered = {name for place in systems for name in place.reversible}
    rows.append(["all", "", len(covered), *counts(results)])
    waits = sorted(r.reaction_s for r in results if r.reaction_s is not None)
    p95 = percentile(waits, 0.95)
    print(f"verdict to first inverse: p50 {percentile(waits, 0.5):.3f} s, p95 {p95:.3f} s of {len(waits)}")
    ends = Counter(result.end for result in results)
    figures = {
        "cases": len(results),
        **{end: ends[end] for end in ENDS},
        "operations": len(covered),
        "not_exercised": len(left_out),
        "reaction_p95_s": round(p95, 3),
        "seed": asked.seed,
    }
    passed = not ends["WRONG"] and p95 <= BOUND_S
    return report(["system", "stands on", "operations", *ENDS], rows, figures, passed=passed, as_json=asked.json)


ENDS = ("restored", "kept", "escalated", "forbidden", "WRONG")


def counts(results: Sequence[Result]) -> list[int]:
    ends = Counter(result.end for result in results)
    return [ends[end] for end in ENDS]


if __name__ == "__main__":
    sys.exit(main())
