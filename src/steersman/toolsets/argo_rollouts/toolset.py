"""Argo Rollouts as a toolset, on the API of the cluster that it runs in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from steersman.domain.environment import Environment
from steersman.domain.fact import JsonObject
from steersman.domain.ports import Binding, CallContext, Clock, Handler
from steersman.remote.kubernetes.api import Api, Document
from steersman.remote.kubernetes.identity import Identity
from steersman.remote.kubernetes.resources import ROLLOUTS
from steersman.remote.kubernetes.watching import Place, Waiter
from steersman.toolsets.argo_rollouts import looking, reading
from steersman.toolsets.argo_rollouts.driving import MARGIN_S, Driver
from steersman.toolsets.argo_rollouts.things import OPERATIONS, SYSTEM


@dataclass(frozen=True, slots=True)
class ArgoRolloutsToolset:
    """The Rollouts of one cluster."""

    api: Api
    clock: Clock
    identity: Identity
    name: str = field(default=SYSTEM, init=False)

    async def environment(self) -> Environment:
        """The identity of the cluster, asked from it anew."""
        return await self.identity()

    def bindings(self) -> Sequence[Binding]:
        """All operations. Does no I/O."""
        driver = Driver(self.api, self.clock)
        known: dict[str, Handler] = {
            "get_rollout": _read(lambda arguments: _get(driver, arguments)),
            "watch_rollout": self._watch,
            "get_live": _read(driver.live),
            "get_abort": _read(lambda arguments: _aborted(driver, arguments)),
            "get_tree": _read(lambda arguments: looking.tree(driver, arguments)),
            "analysis_runs": _read(lambda arguments: looking.analyses(driver, arguments)),
            "list_rollouts": _read(lambda arguments: looking.listed(driver, arguments)),
            "set_image": driver.set_image,
            "set_weight": driver.set_weight,
            "set_strategy": driver.set_strategy,
            "set_aborted": driver.set_aborted,
            "promote": driver.promote,
            "roll_back": driver.roll_back,
        }
        return tuple(Binding(each, known[each.name.partition(".")[2]]) for each in OPERATIONS)

    async def _watch(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        last: JsonObject = {}

        def judge(found: Document | None) -> JsonObject | None:
            nonlocal last
            last = reading.shown(found)
            return reading.progress(found)

        left_s = (context.deadline - self.clock.now()).total_seconds() - MARGIN_S
        await Waiter(self.api, self.clock).until(_place(arguments), judge, budget_s=left_s)
        return last


def _place(arguments: JsonObject) -> Place:
    return Place(ROLLOUTS, str(arguments["namespace"]), str(arguments["name"]))


def _read(look: Callable[[JsonObject], Awaitable[JsonObject]]) -> Handler:
    async def run(arguments: JsonObject, _: CallContext) -> JsonObject:
        return await look(arguments)

    return run


async def _get(driver: Driver, arguments: JsonObject) -> JsonObject:
    return reading.rollout(await driver.writer.read(_place(arguments)))


async def _aborted(driver: Driver, arguments: JsonObject) -> JsonObject:
    live = await driver.writer.read(_place(arguments))
    return {"exists": True, "aborted": reading.is_aborted(live)} if live else reading.ABSENT
