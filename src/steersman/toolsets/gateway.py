"""The weights of a Gateway API route: traffic shared between the pools of a service, without Argo.

A pool is a backend: `pay` and `pay-blue` are blue, `pay-green` is green, for the HTTPRoute `pay`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.operation import Operation
from steersman.domain.ports import Binding, CallContext
from steersman.domain.thing import COUNT, FLAG, Thing
from steersman.remote.kubernetes.api import Api, Document
from steersman.remote.kubernetes.changing import Edit, Writer, named
from steersman.remote.kubernetes.identity import Identity
from steersman.remote.kubernetes.objects import spec
from steersman.remote.kubernetes.quantities import milliseconds
from steersman.remote.kubernetes.resources import ROUTES
from steersman.remote.kubernetes.watching import Place

SYSTEM = "gateway"
BLUE = "blue"
SERVICE: JsonObject = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"}
WEIGHTS: JsonObject = {
    "type": "object",
    "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
}
ROUTE = Thing(
    SYSTEM,
    "route",
    keys={"service": SERVICE},
    state={"weights": WEIGHTS, "requests_per_second": COUNT, "timeout_ms": COUNT, "retries": COUNT, "fallback": FLAG},
)
OPERATIONS: tuple[Operation, ...] = (
    *ROUTE.reads(),
    ROUTE.change("set_weights", "Sets the weights of the pools behind a route", "weights").model_copy(
        update={"dry_run": True}
    ),
)


@dataclass(frozen=True, slots=True)
class GatewayToolset:
    """The HTTPRoutes of one namespace of a cluster."""

    api: Api
    identity: Identity
    namespace: str
    name: str = field(default=SYSTEM, init=False)

    async def environment(self) -> Environment:
        """The identity of the cluster, asked from it anew."""
        return await self.identity()

    def bindings(self) -> Sequence[Binding]:
        """Both operations. Does no I/O."""
        get, set_weights = OPERATIONS
        return Binding(get, self._get), Binding(set_weights, self._set_weights)

    def _place(self, arguments: JsonObject) -> Place:
        return Place(ROUTES, self.namespace, str(arguments["service"]))

    async def _get(self, arguments: JsonObject, _: CallContext) -> JsonObject:
        return state(await Writer(self.api).read(self._place(arguments)), str(arguments["service"]))

    async def _set_weights(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        place, writer = self._place(arguments), Writer(self.api)
        live = await writer.present(place)
        given = arguments["weights"]
        assert isinstance(given, dict)
        edits = [Edit(("spec", "rules"), _weighted(live, given, place), whole=True)]
        return state(await writer.change(place, live, edits, dry_run=context.dry_run), place.name)


def state(document: Document | None, service: str) -> JsonObject:
    """The state of a route. Limits of requests and fallbacks are none of the Gateway API's, so there are none."""
    if document is None:
        return {"exists": False}
    rule = _rule(document, service)
    timeouts = rule.get("timeouts") or {}
    weights: dict[str, JsonValue] = {_pool(each, service): int(each.get("weight", 1)) for each in _backends(rule)}
    return {
        "exists": True,
        "weights": weights,
        "requests_per_second": 0,
        "timeout_ms": milliseconds(str(timeouts.get("request") or "0s")),
        "retries": int((rule.get("retry") or {}).get("attempts") or 0),
        "fallback": False,
    }


def _rule(document: Document, service: str) -> Document:
    rules = [each for each in spec(document).get("rules") or [] if _backends(each)]
    if len(rules) != 1:
        raise ToolError(f"HTTPRoute {service!r} has {len(rules)} rules with backends; weights want exactly one")
    return dict(rules[0])


def _backends(rule: Document) -> list[Document]:
    found = rule.get("backendRefs")
    return found if isinstance(found, list) else []


def _pool(backend: Document, service: str) -> str:
    name = str(backend.get("name", ""))
    return BLUE if name == service else name.removeprefix(f"{service}-")


def _weighted(live: Document, given: dict[str, JsonValue], place: Place) -> list[Document]:
    """All rules, with the new weights of the pools. Raises ToolError when a pool is not there, or is left out."""
    rule = _rule(live, place.name)
    pools = {_pool(each, place.name) for each in _backends(rule)}
    if set(given) != pools:
        raise ToolError(f"{named(place)} has the pools {sorted(pools)}, and weights were given for {sorted(given)}")
    if not any(given.values()):
        raise ToolError(f"{named(place)}: with no weight at all nobody would answer; give one pool a weight")
    backends = [{**each, "weight": given[_pool(each, place.name)]} for each in _backends(rule)]
    return [{**each, "backendRefs": backends} if _backends(each) else each for each in spec(live).get("rules") or []]
