"""Drift: what has changed, since a plan was made, of exactly the fields that its probes show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import JsonValue

from steersman.domain.fact import Fact, JsonObject
from steersman.domain.ids import ResourceId
from steersman.domain.plan import Plan
from steersman.planning.schema import Path, pointer_text
from steersman.planning.world import Facts, probe_key


class Drift(Fact):
    """One field of one resource that is not as it was planned on."""

    resource: ResourceId
    path: str
    """JSON Pointer into the state that the probe shows."""
    kind: Literal["changed", "appeared", "vanished", "unread"]
    was: JsonValue = None
    now: JsonValue = None

    def __str__(self) -> str:
        if self.kind == "unread":
            return f"{self.resource}: nobody has looked at it again"
        return f"{self.resource} {self.path or '/'}: {self.kind}, was {self.was!r}, is {self.now!r}"


def drift(plan: Plan, facts: Facts, *, ignoring: frozenset[ResourceId] = frozenset()) -> list[Drift]:
    """What is not as the plan was made on; empty: it may still be executed.

    An observation without a new reading counts as drift: not looking is not knowing.
    ignoring: resources that the run itself has written by now.
    """
    found: list[Drift] = []
    for seen in plan.observations:
        if seen.resource in ignoring:
            continue
        reading = facts.get(probe_key(seen.probe))
        if reading is None:
            found.append(Drift(resource=seen.resource, path="", kind="unread", was=seen.state))
        else:
            found += [
                Drift(resource=seen.resource, path=path, kind=kind, was=was, now=now)
                for path, kind, was, now in changes(seen.state, reading.state)
            ]
    return found


Changed = tuple[str, Literal["changed", "appeared", "vanished"], JsonValue, JsonValue]


def changes(was: JsonObject, now: JsonObject) -> Sequence[Changed]:
    """The fields that differ between two states: path, how, before, after."""
    return list(_changes(was, now, ()))


def _changes(was: JsonValue, now: JsonValue, at: Path) -> Iterator[Changed]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            if key not in now:
                yield pointer_text((*at, key)), "vanished", was[key], None
            elif key not in was:
                yield pointer_text((*at, key)), "appeared", None, now[key]
            else:
                yield from _changes(was[key], now[key], (*at, key))
    elif was != now or isinstance(was, bool) != isinstance(now, bool):
        yield pointer_text(at), "changed", was, now
