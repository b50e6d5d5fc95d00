"""What handlers work with: one cluster, its writer, its waiter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ports import CallContext, Clock
from steersman.remote.kubernetes.api import Api, Document
from steersman.remote.kubernetes.changing import Edit, Writer, named
from steersman.remote.kubernetes.resources import Discovery, Resource
from steersman.remote.kubernetes.watching import Place, Waiter

T = TypeVar("T")
MARGIN_S = 2.0
"""A wait ends so much before its deadline, so that it can still say what it saw."""
State = Callable[[Document | None], JsonObject]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster."""

    api: Api
    clock: Clock
    discovery: Discovery
    namespace: str = "default"
    """The one that is meant where none is said."""

    @property
    def writer(self) -> Writer:
        """Careful writes."""
        return Writer(self.api)

    async def wait(self, place: Place, judge: Callable[[Document | None], T | None], deadline: datetime) -> T | None:
        """The first answer of `judge`, or None shortly before the deadline."""
        left_s = (deadline - self.clock.now()).total_seconds() - MARGIN_S
        return await Waiter(self.api, self.clock).until(place, judge, budget_s=left_s)


def place_of(resource: Resource, arguments: JsonObject) -> Place:
    """The object that arguments name."""
    return Place(resource, str(arguments.get("namespace", "")), str(arguments["name"]))


async def create(
    cluster: Cluster, place: Place, body: Document, *, state: State, context: CallContext, wanted: JsonObject
) -> JsonObject:
    """Makes an object. One that is there as wanted is done already; one that is there otherwise is refused."""
    live = await cluster.writer.read(place)
    if live is not None:
        if state(live) == wanted:
            return wanted
        raise ToolError(f"{named(place)} is there already, and is not as wanted; change it, or name another")

    def check(rehearsed: Document) -> None:
        shown = state(rehearsed)
        changed = ", ".join(f"{k}: {shown.get(k)!r} for {wanted[k]!r}" for k in wanted if shown.get(k) != wanted[k])
        if changed:
            raise ToolError(
                f"{named(place)}: the cluster would make something else of it ({changed}); nothing was done"
            )

    return state(await cluster.writer.create(place, body, check=check, dry_run=context.dry_run))


async def delete(cluster: Cluster, place: Place, context: CallContext) -> JsonObject:
    """Takes an object away that Steersman made; none is no error. Waits until it is gone."""
    live = await cluster.writer.read(place)
    if live is not None:
        await cluster.writer.delete(place, live, dry_run=context.dry_run)
        if not context.dry_run:
            await cluster.wait(place, lambda found: True if found is None else None, context.deadline)
    return {"exists": False}


async def change(
    cluster: Cluster, place: Place, edits: Callable[[Document], list[Edit]], *, state: State, context: CallContext
) -> JsonObject:
    """Changes fields of an object that must be there. edits: out of the object as it is."""
    live = await cluster.writer.present(place)
    return state(await cluster.writer.change(place, live, edits(live), dry_run=context.dry_run))
