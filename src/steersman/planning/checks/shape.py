"""Rules of form: ids, phases, needs, cycles, hostile text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from steersman.domain.plan import Problem
from steersman.planning.checks.view import View, problem
from steersman.planning.names import nearest

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Control characters but tab and newline, and characters that turn, hide or break text on a screen."""
CYCLES_SHOWN = 20


def shape(view: View) -> Iterator[Problem]:
    """All problems of form."""
    yield from _ids(view)
    yield from _phases(view)
    yield from _needs(view)
    yield from _cycles(view)
    yield from _hostile(view.plan.model_dump(mode="json"), ())


def _ids(view: View) -> Iterator[Problem]:
    plan = view.plan
    if not plan.steps:
        yield problem("empty", "steps", reason="the plan has no steps", remedy="add a step, or run nothing")
    kinds: tuple[tuple[str, Sequence[str]], ...] = (
        ("steps", [step.id for step in plan.steps]),
        ("conditions", [condition.id for condition in plan.conditions]),
    )
    for kind, ids in kinds:
        first: dict[str, int] = {}
        for place, name in enumerate(ids):
            if not ID.fullmatch(name):
                yield problem(
                    "bad_id",
                    *(kind, place, "id"),
                    reason=f"{name!r} is no safe name: ids stand in keys, file names and terminals",
                    remedy="use letters, digits and ._:- only, at most 128",
                )
            if first.setdefault(name, place) != place:
                yield problem(
                    "duplicate_id",
                    *(kind, place, "id"),
                    reason=f"{name!r} is the id of {kind}/{first[name]} already",
                    remedy="give each its own id",
                )


def _phases(view: View) -> Iterator[Problem]:
    plan = view.plan
    rank = {name: place for place, name in reversed(list(enumerate(plan.phases)))}
    if len(rank) != len(plan.phases):
        yield problem(
            "duplicate_id", "phases", reason="a phase is named twice", remedy="name each phase once, in their order"
        )
    for place, step in enumerate(plan.steps):
        if step.phase not in rank:
            yield problem(
                "unknown_phase",
                *("steps", place, "phase"),
                reason=f"{step.phase!r} is none of the plan's phases",
                remedy=nearest(step.phase, plan.phases),
            )
            continue
        for need in view.needs[place]:
            other = plan.steps[need]
            if rank.get(other.phase, -1) > rank[step.phase]:
                yield problem(
                    "phase_order",
                    *("steps", place, "needs"),
                    reason=f"{step.id!r} of phase {step.phase!r} waits for {other.id!r} of the later {other.phase!r}",
                    remedy="move one of them to the other's phase, or drop the need",
                )


def _needs(view: View) -> Iterator[Problem]:
    for place, step in enumerate(view.plan.steps):
        for at, need in enumerate(step.needs):
            if need not in view.index:
                yield problem(
                    "unknown_step",
                    *("steps", place, "needs", at),
                    reason=f"{step.id!r} needs {need!r}, which is no step of the plan",
                    remedy=nearest(need, view.index),
                )


def _cycles(view: View) -> Iterator[Problem]:
    for cycle in view.shape.cycles[:CYCLES_SHOWN]:
        names = [view.plan.steps[node].id for node in cycle]
        yield problem(
            "cycle",
            *("steps", cycle[0], "needs"),
            reason="steps wait for each other: " + " -> ".join([*names, names[0]]),
            remedy=f"drop one of these needs, for example {names[0]!r} from the needs of {names[-1]!r}",
        )


def _hostile(value: JsonValue, at: tuple[str | int, ...]) -> Iterator[Problem]:
    match value:
        case str():
            if found := HOSTILE.search(value):
                yield problem(
                    "hostile_text",
                    *at,
                    reason=f"holds U+{ord(found.group()):04X}, which a screen hides or obeys",
                    remedy="remove it",
                )
        case dict():
            for key, item in value.items():
                yield from _hostile(key, at)
                yield from _hostile(item, (*at, key))
        case list():
            for place, item in enumerate(value):
                yield from _hostile(item, (*at, place))
        case _:
            return
