"""A toolset whose every answer can be scripted: late, lost, refused, ignored. It counts what was really done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from steersman.domain.environment import Environment
from steersman.domain.errors import ToolError
from steersman.domain.fact import JsonObject
from steersman.domain.ids import OperationName
from steersman.domain.operation import Access, Effect, Idempotency, Invocation, Operation
from steersman.domain.ports import Binding, CallContext, Handler

ENVIRONMENT = Environment(kind="store", name="test", uid="store-1", url="memory://store", tier="lab")
ABSENT: JsonObject = {"exists": False}

_NAME: JsonObject = {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,40}$"}
_ITEMS: JsonObject = {"type": "array", "items": {"type": "string"}}
_STATE: JsonObject = {
    "type": "object",
    "properties": {"exists": {"type": "boolean"}, "items": _ITEMS},
    "required": ["exists"],
    "additionalProperties": False,
}


@dataclass(slots=True)
class Twist:
    """What goes wrong with one call. Nothing does by default."""

    before: BaseException | None = None
    """Raised without any effect."""
    after: BaseException | None = None
    """Raised when the effect is there: the answer is lost."""
    ignore: bool = False
    """Answers as if it had been done."""
    wait: asyncio.Event | None = None
    """Nothing happens before this is set."""
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the call has arrived."""


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that was really done."""

    verb: str
    name: str
    key: str


@dataclass(slots=True)
class Store:
    """The `store` toolset: lists of texts under names, in memory."""

    name: str = "store"
    where: Environment = ENVIRONMENT
    state: dict[str, tuple[str, ...]] = field(default_factory=dict)
    twists: dict[str, list[Twist]] = field(default_factory=dict)
    """For the next calls of a verb, in order."""
    effects: list[Done] = field(default_factory=list)
    answer: JsonObject | None = None
    """Given instead of the real answer, when there is one."""
    calls: list[str] = field(default_factory=list)
    """Verbs that were asked for, done or not."""
    _keys: set[str] = field(default_factory=set)

    def twist(self, verb: str, *twists: Twist) -> Twist:
        """Orders what the next calls of a verb are to suffer; gives back the last."""
        self.twists.setdefault(verb, []).extend(twists)
        return twists[-1]

    async def environment(self) -> Environment:
        """Which store this is."""
        await self._suffer("environment")
        return self.where

    def bindings(self) -> Sequence[Binding]:
        """Writes of each kind: natural, keyed, neither, without inverse, and one that can be rehearsed."""
        there: JsonObject = {"exists": True, "items": {"$arg": "/items"}}
        again = self._invocation("set", items={"$before": "/items"})
        operations = (
            self._operation("get", "read", "read", "natural"),
            self._operation("set", "write", "update", "natural", after=there, inverse=again, dry_run=True),
            self._operation("create", "write", "create", "keyed", after=there, inverse=self._invocation("delete")),
            self._operation(
                "delete",
                "destructive",
                "delete",
                "keyed",
                after=ABSENT,
                inverse=self._invocation("create", items={"$before": "/items"}),
            ),
            self._operation("append", "write", "update", "no", inverse=again),
            self._operation("send", "write", "update", "no"),
        )
        return tuple(Binding(operation, self._handler(operation)) for operation in operations)

    def shown(self, name: str) -> JsonObject:
        """What the probe shows."""
        found = self.state.get(name)
        return dict(ABSENT) if found is None else {"exists": True, "items": list(found)}

    def _handler(self, operation: Operation) -> Handler:
        verb = operation.name.partition(".")[2]

        async def run(arguments: JsonObject, context: CallContext) -> JsonObject:
            twist = await self._suffer(verb)
            name = str(arguments["name"])
            if not (verb == "get" or context.dry_run or (twist and twist.ignore)):
                self._do(verb, arguments, key=context.key if operation.idempotent == "keyed" else "")
            if twist is not None and twist.after is not None:
                raise twist.after
            return self.shown(name) if self.answer is None else self.answer

        return run

    async def _suffer(self, verb: str) -> Twist | None:
        self.calls.append(verb)
        waiting = self.twists.get(verb)
        if not waiting:
            return None
        twist = waiting.pop(0)
        twist.entered.set()
        if twist.wait is not None:
            await twist.wait.wait()
        if twist.before is not None:
            raise twist.before
        return twist

    def _do(self, verb: str, arguments: JsonObject, *, key: str) -> None:
        name, there = str(arguments["name"]), str(arguments["name"]) in self.state
        if key and key in self._keys:
            return
        if verb in ("create", "delete") and there == (verb == "create"):
            raise ToolError(f"cannot {verb} {name!r}: it is {'' if there else 'not '}there")
        items = arguments.get("items")
        given = tuple(str(item) for item in items) if isinstance(items, list) else ()
        if verb == "delete":
            del self.state[name]
        elif verb == "append":
            self.state[name] = (*self.state.get(name, ()), *given)
        elif verb != "send":
            self.state[name] = given
        self.effects.append(Done(verb, name, key))
        self._keys.add(key)

    def _invocation(self, verb: str, **arguments: JsonValue) -> Invocation:
        return Invocation(
            operation=OperationName(f"{self.name}.{verb}"), arguments={"name": {"$arg": "/name"}, **arguments}
        )

    def _operation(
        self, verb: str, effect: Effect, access: Access, idempotent: Idempotency, **more: object
    ) -> Operation:
        takes: JsonObject = {"name": _NAME} if verb in ("get", "delete") else {"name": _NAME, "items": _ITEMS}
        reads = effect == "read"
        return Operation.model_validate(
            {
                "name": f"{self.name}.{verb}",
                "summary": f"{verb}s texts under a name",
                "effect": effect,
                "access": access,
                "resource": f"{self.name}/{{name}}",
                "blast_radius": "none" if reads else "instance",
                "idempotent": idempotent,
                "input_schema": {
                    "type": "object",
                    "properties": takes,
                    "required": [*takes],
                    "additionalProperties": False,
                },
                "output_schema": _STATE,
                "probe": None if reads or verb == "send" else self._invocation("get"),
                "timeout_s": 5,
                **more,
            }
        )
