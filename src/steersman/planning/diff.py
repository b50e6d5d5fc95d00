"""The difference between two plans, as a person needs to see it who approves the second after reading the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import JsonValue

from steersman.domain.fact import Fact
from steersman.domain.plan import Plan
from steersman.planning.drift import changes
from steersman.planning.world import probe_key

PLAIN_FIELDS = ("goal", "scenario_id", "environment", "parameters", "phases", "budget")


class Difference(Fact):
    """One thing that is not the same in both plans."""

    part: Literal["step", "condition", "observation", "invariant", "assumption", "plan"]
    name: str
    kind: Literal["added", "removed", "changed"]
    path: str = ""
    """JSON Pointer into the part."""
    was: JsonValue = None
    now: JsonValue = None

    def __str__(self) -> str:
        head = f"{self.part} {self.name}"
        return f"{head} {self.kind}" if self.kind != "changed" else f"{head} {self.path}: {self.was!r} -> {self.now!r}"


def diff(old: Plan, new: Plan) -> list[Difference]:
    """Everything that changes what would be done, watched, or relied on; who made it and when does not."""
    found = list(_plain(old, new))
    found += _named("step", _by(old.steps, "id"), _by(new.steps, "id"))
    found += _named("condition", _by(old.conditions, "id"), _by(new.conditions, "id"))
    found += _named("assumption", _by(old.assumptions, "name"), _by(new.assumptions, "name"))
    found += _named("observation", _seen(old), _seen(new))
    found += _named("invariant", _invariants(old), _invariants(new))
    return found


def _plain(old: Plan, new: Plan) -> Iterator[Difference]:
    was, now = old.model_dump(mode="json"), new.model_dump(mode="json")
    for name in PLAIN_FIELDS:
        for path, _, before, after in changes({name: was[name]}, {name: now[name]}):
            yield Difference(part="plan", name=name, kind="changed", path=path, was=before, now=after)


def _by(parts: Sequence[Fact], key: str) -> dict[str, dict[str, JsonValue]]:
    dumped = (part.model_dump(mode="json") for part in parts)
    return {str(part[key]): part for part in dumped}


def _seen(plan: Plan) -> dict[str, dict[str, JsonValue]]:
    """By probe; when it was read is no difference."""
    return {
        f"{seen.resource} by {seen.probe.operation} {probe_key(seen.probe)}": dict(seen.state)
        for seen in plan.observations
    }


def _invariants(plan: Plan) -> dict[str, dict[str, JsonValue]]:
    return {probe_key(check.call): check.model_dump(mode="json") for check in plan.invariants}


def _named(
    part: Literal["step", "condition", "observation", "invariant", "assumption"],
    old: Mapping[str, dict[str, JsonValue]],
    new: Mapping[str, dict[str, JsonValue]],
) -> Iterator[Difference]:
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield Difference(part=part, name=name, kind="removed", was=old[name])
        elif name not in old:
            yield Difference(part=part, name=name, kind="added", now=new[name])
        else:
            for path, _, was, now in changes(old[name], new[name]):
                yield Difference(part=part, name=name, kind="changed", path=path, was=was, now=now)
