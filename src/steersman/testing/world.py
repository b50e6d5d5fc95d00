"""A simulated system: resources with a state, verbs of every kind, faults to order. Counts its own effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from steersman.domain.environment import Environment
from steersman.domain.errors import OutcomeUnknownError, ToolError, UnavailableError
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, Effect, Invocation, Operation
from steersman.domain.ports import Binding, CallContext

Fault = Literal["refuse", "unavailable", "lose_answer", "lose_request"]
"""refuse: the tool says no; unavailable: not reached; lose_answer: done, but no answer; lose_request: neither."""

ENVIRONMENT = Environment(kind="sim", name="world", uid="world-1", url="sim://world", tier="lab")
ABSENT: JsonObject = {"exists": False}

_NAME: JsonObject = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
_VALUED: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "value": {}},
    "required": ["name", "value"],
}
_GET = Invocation(operation=OperationName("sim.get"), arguments={"name": {"$arg": "/name"}})


_LOAD: dict[str, Any] = {
    "after": {"value": {"$arg": "/value"}},
    "inverse": {"operation": "sim.delete", "arguments": {"name": {"$arg": "/name"}}},
}
_ENDED: JsonObject = {"operation": "sim.end", "arguments": {"name": {"$arg": "/name"}}}


@dataclass(slots=True)
class World:
    """The `sim` toolset and what it acts on."""

    state: dict[str, JsonObject] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    """Ordered for the next writes to a resource, `operation name` or `name`."""
    finished: set[str] = field(default_factory=set)
    """What `sim.end` comes too late for."""
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each (idempotency key, verb) changed something."""
    journal: list[tuple[str, str]] = field(default_factory=list)
    """(verb, resource) of each effect, in order."""
    calls: Counter[str] = field(default_factory=Counter)
    before_write: Callable[[str, str], Awaitable[None]] | None = None
    """Awaited before each write takes effect: for delays and crashes."""
    after_write: Callable[[str, str], Awaitable[None]] | None = None
    read: Callable[[str], Awaitable[None]] | None = None
    """Awaited in `sim.wait`."""

    @property
    def name(self) -> str:
        """First part of the verbs' names."""
        return "sim"

    async def environment(self) -> Environment:
        """The identity of this world."""
        return ENVIRONMENT

    def bindings(self) -> Sequence[Binding]:
        """Reads, an update, creates with their delete, a write and a destruction without inverse."""
        return (
            Binding(_operation("get", "read", "read", _NAME), self._get),
            Binding(_operation("wait", "read", "read", _NAME), self._wait),
            Binding(
                _operation(
                    "set",
                    "write",
                    "update",
                    _VALUED,
                    after={"value": {"$arg": "/value"}},
                    inverse={
                        "operation": "sim.set",
                        "arguments": {"name": {"$arg": "/name"}, "value": {"$before": "/value"}},
                    },
                ),
                self._set,
            ),
            Binding(_operation("create", "write", "create", _VALUED, **_LOAD), self._set),
            Binding(
                _operation("load", "write", "create", _VALUED, **_LOAD).model_copy(update={"interruptible": True}),
                self._set,
            ),
            Binding(_operation("delete", "destructive", "delete", _NAME, after=ABSENT), self._delete),
            Binding(_operation("send", "write", "update", _VALUED, after={"value": {"$arg": "/value"}}), self._set),
            *self._leaving(),
        )

    def _leaving(self) -> Sequence[Binding]:
        """Writes of which an undo leaves something."""
        save = _operation("save", "write", "create", _VALUED, after=_LOAD["after"])
        begin = _operation("begin", "write", "create", _VALUED, **{**_LOAD, "inverse": _ENDED})
        return (
            Binding(_leaves("the copy", save), self._set),
            Binding(_leaves("the work", begin), self._set),
            Binding(_operation("end", "write", "delete", _NAME), self._end),
        )

    async def _get(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        del context
        self.calls["get"] += 1
        return dict(self.state.get(str(arguments["name"]), ABSENT))

    async def _wait(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        name = str(arguments["name"])
        self.calls["wait"] += 1
        if self.read is not None:
            await self.read(name)
        self._fault(name, {"refuse", "unavailable"})
        return await self._get(arguments, context)

    async def _set(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        return await self._write("set", str(arguments["name"]), {"value": arguments["value"]}, context)

    async def _delete(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        return await self._write("delete", str(arguments["name"]), None, context)

    async def _end(self, arguments: JsonObject, context: CallContext) -> JsonObject:
        """Takes away what was begun, unless it is finished."""
        name = str(arguments["name"])
        if name in self.finished:
            return dict(self.state[name])
        return await self._write("end", name, None, context)

    async def _write(self, verb: str, name: str, state: JsonObject | None, context: CallContext) -> JsonObject:
        self.calls[verb] += 1
        if self.before_write is not None:
            await self.before_write(verb, name)
        fault = self._fault(name, {"refuse", "unavailable", "lose_request"})
        if state is None:
            self.state.pop(name, None)
        else:
            self.state[name] = state
        self.effects[context.key, verb] += 1
        self.journal.append((verb, name))
        if self.after_write is not None:
            await self.after_write(verb, name)
        if fault == "lose_answer":
            raise OutcomeUnknownError(f"{name!r} did not answer")
        return {"name": name, **(state or ABSENT)}

    def _fault(self, name: str, raised: set[str]) -> Fault | None:
        ordered = self.faults.get(name)
        if not ordered:
            return None
        fault = ordered.pop(0)
        if fault not in raised:
            return fault
        if fault == "refuse":
            raise ToolError(f"{name!r} refuses")
        if fault == "unavailable":
            raise UnavailableError(f"{name!r} is not there")
        raise OutcomeUnknownError(f"{name!r} did not answer")


def _operation(
    verb: str,
    effect: Effect,
    access: Access,
    schema: JsonObject,
    *,
    after: JsonObject | None = None,
    inverse: JsonObject | None = None,
) -> Operation:
    return Operation(
        name=OperationName(f"sim.{verb}"),
        summary=f"{verb} a simulated resource",
        effect=effect,
        access=access,
        resource="" if effect == "read" else "sim/{name}",
        blast_radius="none" if effect == "read" else "instance",
        idempotent="natural",
        input_schema=schema,
        output_schema={"type": "object"},
        probe=None if effect == "read" else _GET,
        after=after,
        inverse=None if inverse is None else Invocation.model_validate(inverse),
        timeout_s=2.0,
    )


def _leaves(residue: str, operation: Operation) -> Operation:
    return operation.model_copy(update={"residue": residue})
