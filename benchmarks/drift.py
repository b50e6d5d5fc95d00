"""Lets others edit between plan and run, and looks, past Steersman, whether the run noticed and what was overwritten.

Edits of what the plan changes or relies on must stop the run, and must still be there afterwards: before it starts, or
between its steps. Noise (other objects, labels, status, managed fields, what controllers do) must not stop it, nor may
the run's own former writes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.hands.asked import BREAKS, arguments
from benchmarks.hands.loop import Loop, looped, prepare, probe_of, step_of
from benchmarks.hands.scene import Edit, Scene, System, differences, varied
from benchmarks.hands.systems import Open, opened_systems, playing, turns

from steersman.domain.expression import Scope, resolve
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName, StepId
from steersman.domain.operation import Operation
from steersman.domain.plan import Step
from steersman.domain.ports import Binding, CallContext, Toolset
from steersman.domain.run import Run
from steersman.testing.benchmark import header, report
from steersman.testing.toolset_conformance import Example

EDITS, QUICK_EDITS = 1_000, 100
NOISE_SHARE = 0.25
BETWEEN_SHARE = 0.25
"""How many edits come after the run has begun, just before the step that they concern."""
ENDS = ("noticed", "went on", "MISSED", "OVERWRITTEN", "REFUSED", "void")


@dataclass(frozen=True, slots=True)
class Case:
    """One edit."""

    number: int
    system: System
    operation: OperationName
    kind: str
    """before: between plan and run; between: after the run's first step; noise; own: the run's own former write."""
    dice: random.Random


@dataclass(frozen=True, slots=True)
class Result:
    """How a case ended, by what the system itself shows."""

    case: Case
    edit: str
    end: str
    """noticed; went on: rightly; MISSED, OVERWRITTEN; REFUSED: wrongly; void: there is nothing to edit."""
    why: str = ""


@dataclass(slots=True)
class Interrupted:
    """A toolset in whose first read of a marked step somebody else gets in between."""

    inner: Toolset
    probe: OperationName
    edit: Callable[[], Awaitable[object]]
    armed: bool = False

    @property
    def name(self) -> str:
        """First part of its operations' names."""
        return self.inner.name

    async def environment(self):
        """What it acts on."""
        return await self.inner.environment()

    def bindings(self) -> Sequence[Binding]:
        """All of its operations."""
        return [Binding(each.operation, self._wrapped(each)) for each in self.inner.bindings()]

    def _wrapped(self, binding: Binding):
        async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
            answer = await binding.run(arguments, context)
            if self.armed and context.key.endswith("/pause/do"):
                self.armed = False
                await self.edit()
            return answer

        return run


async def play(case: Case, loop: Loop) -> Result:
    """Plans, edits, runs, looks."""
    async with case.system.opened() as scene:
        known = {binding.operation.name: binding.operation for binding in scene.toolset.bindings()}
        examples = scene.examples or case.system.examples
        example = varied(case.dice.choice([each for each in examples if each.operation == case.operation]), case.dice)
        await prepare(scene.toolset, example.before)
        operation = known[case.operation]
        if case.kind == "own":
            return await own(case, loop, scene, example, operation)
        kind = scene.noise if case.kind == "noise" else scene.others
        edits = kind(operation, example.arguments)
        if not edits:
            return Result(case, "", "void", "nobody else can edit that")
        return await edited(case, loop, scene, case.dice.choice(edits), step_of(operation, example.arguments))


async def edited(case: Case, loop: Loop, scene: Scene, edit: Edit, step: Step) -> Result:
    """A run with an edit before it, or in the middle of it."""
    theirs: list[object] = []

    async def does() -> None:
        await edit.do()
        theirs.append(await scene.truth())

    operation = next(b.operation for b in scene.toolset.bindings() if b.operation.name == step.operation)
    probe = probe_of(operation, step)
    if probe is None:
        return Result(case, edit.what, "void", "nothing shows what it changes")
    tool = Interrupted(scene.toolset, probe.operation, does, armed=case.kind == "between")
    crew = loop.crew(tool)
    steps = [step]
    if case.kind == "between":
        pause = Step(id=StepId("pause"), phase="deploy", operation=probe.operation, arguments=probe.arguments)
        steps = [pause, step.model_copy(update={"needs": (pause.id,)})]
    plan = await crew.plan(tool, steps)
    if case.kind != "between":
        await does()
    run = await crew.run(plan, loop.run_id())
    beside = scene.beside.get(case.operation, ())
    moved = [each for each in differences(theirs[0], await scene.truth()) if not each.startswith(beside)]
    return judged(case, edit, run, moved)


def judged(case: Case, edit: Edit, run: Run, moved: list[str]) -> Result:
    """The end of a run that somebody edited around. moved: what is not as the edit left it."""
    what = f"{edit.what} by others"
    if case.kind == "noise":
        return Result(case, what, "went on" if run.state == "done" else "REFUSED", run.reason)
    if run.state == "done":
        return Result(case, what, "OVERWRITTEN" if moved else "MISSED", "; ".join(moved))
    if moved:
        return Result(case, what, "OVERWRITTEN", f"{run.state}: {'; '.join(moved)}")
    # By the look at what was planned on, or by the toolset itself: what a call relies on is not all in its probe.
    return Result(case, what, "noticed" if run.reason else "MISSED", f"{run.state}: {run.reason}")


async def own(case: Case, loop: Loop, scene: Scene, example: Example, operation: Operation) -> Result:
    """There and back in one plan: the second step finds what the first one wrote, and no drift."""
    if operation.inverse is None:
        return Result(case, "", "void", "no second step")
    known = {binding.operation.name: binding.operation for binding in scene.toolset.bindings()}
    if known[operation.inverse.operation].resource != operation.resource:
        return Result(case, "", "void", "its inverse is about another side of the thing")
    crew = loop.crew(scene.toolset)
    first = step_of(operation, example.arguments, name="first")
    probe = probe_of(operation, first)
    assert probe is not None
    before = (await look(scene.toolset, probe.operation, probe.arguments)) or {}
    back = resolve(operation.inverse.arguments, Scope(arguments=example.arguments, before=before))
    assert isinstance(back, dict)
    second = step_of(known[operation.inverse.operation], back, name="second", needs=["first"])
    run = await crew.run(await crew.plan(scene.toolset, [first, second]), loop.run_id())
    drift = "changed since" in run.reason
    return Result(case, "our own write", "REFUSED" if drift else "went on", f"{run.state}: {run.reason}")


async def look(toolset: Toolset, name: OperationName, arguments: JsonObject) -> JsonObject:
    """What a read shows, as the gate asks it."""
    return await prepare(toolset, [(name, arguments)])


async def attempt(case: Case, loop: Loop) -> Result:
    """A case; what breaks it is a result, too."""
    try:
        async with asyncio.timeout(120):
            return await play(case, loop)
    except BREAKS as e:
        return Result(case, "?", "REFUSED", f"{type(e).__name__}: {e}")


def cases_of(systems: Sequence[Open], asked: argparse.Namespace) -> list[tuple[Open, Case]]:
    """Edits over all writes in turn; each operation meets each kind of edit."""
    found = []
    for number, (place, name) in enumerate(turns(systems, "writes", asked.total, asked.seed)):
        dice = random.Random(f"{asked.seed}/{number}")
        roll = dice.random()
        kind = "before"
        if roll < NOISE_SHARE:
            kind = "own" if roll < NOISE_SHARE / 4 else "noise"
        elif roll < NOISE_SHARE + BETWEEN_SHARE:
            kind = "between"
        found.append((place, Case(number, place.system, name, kind, dice)))
    return found


async def measure(asked: argparse.Namespace) -> tuple[list[Result], list[Open]]:
    async with looped() as loop, opened_systems(quick=asked.quick, only=asked.only) as systems:
        cases = cases_of(systems, asked)
        return await playing(cases, lambda case: attempt(case, loop), trouble), systems


def trouble(result: Result) -> str:
    """A line of what went wrong."""
    case, bad = result.case, result.end in ("MISSED", "OVERWRITTEN", "REFUSED")
    return (
        f"case {case.number} {case.operation} ({case.kind}: {result.edit}): {result.end}: {result.why}" if bad else ""
    )


def main() -> int:
    asked = arguments(__doc__, cases=EDITS, quick=QUICK_EDITS)
    header("Drift: edits by others between plan and run", seed=asked.seed)
    results, systems = asyncio.run(measure(asked))
    return told(results, systems, asked)


def told(results: list[Result], systems: list[Open], asked: argparse.Namespace) -> int:
    rows = []
    for place in systems:
        some = [result for result in results if result.case.system is place.system]
        rows.append([place.system.name, place.system.stands_on, len(place.writes), *counts(some)])
    rows.append(["all", "", sum(len(place.writes) for place in systems), *counts(results)])
    ends = Counter(result.end for result in results)
    quiet = sum(1 for result in results if result.case.kind in ("noise", "own") and result.end != "void")
    figures = {
        "edits": len(results) - ends["void"],
        **{end: ends[end] for end in ENDS},
        "noise": quiet,
        "false_refusals": round(ends["REFUSED"] / quiet, 4) if quiet else 0.0,
        "seed": asked.seed,
    }
    print(f"false refusals: {ends['REFUSED']} of {quiet} edits that concern the plan in nothing")
    passed = not (ends["MISSED"] or ends["OVERWRITTEN"] or ends["REFUSED"])
    return report(["system", "stands on", "operations", *ENDS], rows, figures, passed=passed, as_json=asked.json)


def counts(results: Sequence[Result]) -> list[int]:
    ends = Counter(result.end for result in results)
    return [ends[end] for end in ENDS]


if __name__ == "__main__":
    sys.exit(main())
