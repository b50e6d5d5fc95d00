"""Every system with writes that can be opened on this machine, and which operations that leaves out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import Literal, TypeVar

from benchmarks.hands.clusters import ArgoRollouts, Gateway, Kubernetes
from benchmarks.hands.files import Git, HelmReleases
from benchmarks.hands.lab import Lab
from benchmarks.hands.load import Generating
from benchmarks.hands.pushgateway import Pushgateway
from benchmarks.hands.scene import System
from benchmarks.hands.servers import Alertmanager, Postgres, Vault
from benchmarks.hands.web import Argocd, Ci, Forge, Grafana, Registry

from steersman.app.catalogue import all_operations
from steersman.domain.ids import OperationName
from steersman.domain.operation import Operation
from steersman.toolsets.k6 import K6
from steersman.toolsets.locust import Locust
from steersman.toolsets.vegeta import Vegeta

SYSTEMS: tuple[System, ...] = (
    *(Kubernetes(), ArgoRollouts(), Gateway(), Argocd(), Grafana(), Registry()),
    *(Ci(kind) for kind in ("github", "gitlab", "jenkins")),
    *(Forge(kind) for kind in ("github", "gitlab", "gitea")),
    *(Git(), HelmReleases(), Vault(), Postgres(), Alertmanager(), Pushgateway(), Lab()),
    *(Generating(generator) for generator in (K6(), Locust(), Vegeta())),
)


C = TypeVar("C")
R = TypeVar("R")
PARALLEL = 3
NO_EXAMPLE = {"find_limit": "takes minutes; its inverse is that of run, which is tried"}


@dataclass(frozen=True, slots=True)
class Open:
    """A system that is up, and the operations that were tried on it."""

    system: System
    writes: tuple[OperationName, ...]
    reversible: tuple[OperationName, ...]
    turn: AbstractAsyncContextManager[object]
    """Whoever wants a scene holds it: a server that all scenes share has room for one."""


@asynccontextmanager
async def opened_systems(*, quick: bool, only: str = "") -> AsyncIterator[list[Open]]:
    """All systems, or the one of that name, with their servers."""
    async with AsyncExitStack() as stack:
        found = []
        for system in SYSTEMS:
            if (only and system.name != only) or (quick and system.slow) or system.missing():
                continue
            await stack.enter_async_context(system.up())
            found.append(await _looked_at(system))
        yield found


async def _looked_at(system: System) -> Open:
    async with system.opened() as scene:
        known = {binding.operation.name: binding.operation for binding in scene.toolset.bindings()}
        tried = dict.fromkeys(OperationName(each.operation) for each in scene.examples or system.examples)
    reversible = tuple(name for name in tried if known[name].inverse is not None)
    turn = asyncio.Lock() if system.alone else asyncio.Semaphore(1_000)
    return Open(system, tuple(tried), reversible, turn)


def turns(
    systems: Sequence[Open], which: Literal["writes", "reversible"], total: int, seed: int
) -> Iterator[tuple[Open, OperationName]]:
    """So many operations of the systems, each as often as any other, in an order by chance."""
    every = [(place, name) for place in systems for name in getattr(place, which)]
    Random(seed).shuffle(every)
    return islice(cycle(every), total)


async def playing(
    cases: Sequence[tuple[Open, C]], play: Callable[[C], Awaitable[R]], trouble: Callable[[R], str]
) -> list[R]:
    """The results of all cases, some of which are played at the same time; trouble is told when it comes."""
    free = asyncio.Semaphore(PARALLEL)

    async def one(place: Open, case: C) -> R:
        async with place.turn, free:
            result = await play(case)
        if said := trouble(result):
            print(said, flush=True)
        return result

    return list(await asyncio.gather(*(one(place, case) for place, case in cases)))


def writes() -> dict[OperationName, Operation]:
    """Every operation of the catalogue that changes something."""
    return {each.name: each for each in all_operations() if each.effect != "read"}


def not_exercised(systems: Sequence[Open]) -> dict[str, str]:
    """Writes of the catalogue whose undo was not tried, and why."""
    tried = {name for place in systems for name in place.reversible}
    missing = {each.name.partition(" ")[0]: each.missing() or "left out by --quick or --only" for each in SYSTEMS}
    found = {}
    for name, operation in writes().items():
        if name in tried:
            continue
        if operation.inverse is None:
            kept = f"kept by an undo: {operation.residue}"
            found[name] = kept if operation.residue else "has no inverse: declared irreversible, asks for more"
        else:
            found[name] = NO_EXAMPLE.get(name.partition(".")[2]) or missing.get(
                operation.toolset, "no scene of it is built yet"
            )
    return found
